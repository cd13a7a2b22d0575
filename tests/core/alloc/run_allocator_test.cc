// SPDX-License-Identifier: GPL-2.0-or-later
// RunAllocator: which run is given out next.
#include "core/alloc/run_allocator.h"

#include <catch2/catch.hpp>

#include "tests/core/alloc/group_world.h"
#include "tests/support/death.h"

namespace butterfuse::run_allocator_test {
namespace {

constexpr uint64_t kMiB = GroupWorld::kMiB;
constexpr uint64_t kSector = GroupWorld::kSector, kNode = GroupWorld::kNode;

struct World : GroupWorld {
  BlockGroup& first = add(bg::kData, 1, 4);
  BlockGroup& second = add(bg::kData, 10, 4);
  BlockGroup& metadata = add(bg::kMetadata, 20, 4);
  RunAllocator runs{groups, kSector, kNode};
};

}  // namespace

TEST_CASE("runs lie one behind the other, and go around when the end is reached") {
  World world;
  ByteRange last = world.runs.take_data(kMiB);
  CHECK(last == ByteRange::at(kMiB, kMiB));
  const ByteRange begin = last;
  for (int i = 0; i < 7; i++) {
    const ByteRange next = world.runs.take_data(kMiB);
    CHECK(next.start == (last.end == world.first.range().end ? world.second.start() : last.end));
    last = next;
  }
  CHECK(world.runs.take_data(kSector).empty());
  CHECK(world.groups.data().counters().reserved == 8 * kMiB);
  world.runs.give_back(begin);
  CHECK(world.runs.take_data(kMiB) == begin);
}

TEST_CASE("a run is taken where it is wanted if it is free there, in a data group, as a whole") {
  World world;
  const uint64_t wanted = world.second.start() + kMiB;
  CHECK(world.runs.take_data_at(wanted, kMiB) == ByteRange::at(wanted, kMiB));
  CHECK(world.runs.take_data_at(wanted, kSector).empty());                            // taken
  CHECK(world.runs.take_data_at(wanted + kMiB + 1, kSector).empty());                 // no sector's start
  CHECK(world.runs.take_data_at(world.second.range().end - kMiB, 2 * kMiB).empty());  // leaves the group
  CHECK(world.runs.take_data_at(world.metadata.start(), kSector).empty());            // of another kind
  CHECK(world.runs.take_data_at(0, kSector).empty());                                 // nowhere in particular
  CHECK(world.runs.take_data_at(~uint64_t{0} - kSector + 1, kSector).empty());        // nonsense
}

TEST_CASE("where no run is long enough the longest is taken, but none below the minimum") {
  World world;
  world.runs.take(ByteRange::at(world.first.start() + kMiB, kSector));
  world.runs.take(ByteRange::at(world.second.start() + 2 * kMiB, kSector));
  CHECK(world.runs.take_data(4 * kMiB).empty());
  CHECK(world.runs.take_longest_data(4 * kMiB, 3 * kMiB).empty());
  CHECK(world.runs.take_longest_data(4 * kMiB, kMiB) ==
        ByteRange{world.first.start() + kMiB + kSector, world.first.range().end});
  CHECK(world.runs.take_longest_data(kMiB, kSector).length() == kMiB);
}

TEST_CASE("tree blocks are aligned, and metadata and system each go on where they were") {
  World world;
  BlockGroup& system = world.add(bg::kSystem, 30, 1);
  world.runs.take(ByteRange::at(world.metadata.start(), kSector));
  const ByteRange block = world.runs.take_tree_block(world.groups.metadata());
  CHECK(block == ByteRange::at(world.metadata.start() + kNode, kNode));
  CHECK(world.runs.take_tree_block(world.groups.system()).start == system.start());
  world.runs.give_back(block);
  CHECK(world.runs.take_tree_block(world.groups.metadata()).start == block.end);  // not at once again
  CHECK(world.runs.take_tree_block(world.groups.system()).start == system.start() + kNode);
}

TEST_CASE("what is not free is not taken, and what is free not given back") {
  World world;
  const ByteRange range = world.runs.take_data(kMiB);
  CHECK(dies([&] { world.runs.take(range); }));
  world.runs.give_back(range);
  CHECK(dies([&] { world.runs.give_back(range); }));
}

}  // namespace butterfuse::run_allocator_test
