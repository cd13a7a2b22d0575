// SPDX-License-Identifier: GPL-2.0-or-later
// Pinned extents and dying chunks: what a transaction freed is not free yet.
#include "core/alloc/pinned_extents.h"

#include <catch2/catch.hpp>

#include "tests/core/alloc/group_world.h"

namespace butterfuse::pinned_extents_test {
namespace {

constexpr uint64_t kMiB = GroupWorld::kMiB;

struct World : GroupWorld {
  BlockGroup& group = add(bg::kData, 1, 8);
  PinnedExtents pins{groups};

  ByteRange used(uint64_t offset, uint64_t bytes) {
    const ByteRange range = ByteRange::at(group.start() + offset, bytes);
    use(group, range);
    return range;
  }
};

}  // namespace

TEST_CASE("what a transaction freed is free when its superblock is on disk, and not before") {
  World world;
  const ByteRange first = world.used(0, kMiB), second = world.used(2 * kMiB, kMiB);
  world.pins.pin(7, world.group, first);
  world.pins.pin(8, world.group, second);
  CHECK(world.group.counters.used == 0);
  CHECK(world.group.counters.pinned == 2 * kMiB);
  CHECK(world.group.free_space->none_free(first));
  CHECK(world.pins.release(6).empty());
  CHECK(world.group.counters.pinned == 2 * kMiB);
  world.pins.release(7);
  CHECK(world.group.counters.pinned == kMiB);
  CHECK(world.group.free_space->all_free(first));
  CHECK(world.group.free_space->none_free(second));
  world.pins.release(9);
  CHECK(world.group.counters.free() == 8 * kMiB);
  CHECK(world.groups.data().counters().free() == 8 * kMiB);
}

TEST_CASE("neighbours are discarded in one go, those of later transactions not yet") {
  World world;
  const ByteRange all = world.used(0, 3 * kMiB);
  for (uint64_t at = 0; at < 3; at++)
    world.pins.pin(7, world.group, ByteRange::at(all.start + at * kMiB, kMiB));
  world.pins.pin(8, world.group, world.used(6 * kMiB, kMiB));
  CHECK(world.pins.ranges_until(6).empty());
  CHECK(world.pins.ranges_until(7) == std::vector<ByteRange>{all});
  CHECK(world.pins.ranges_until(8).size() == 2);
}

TEST_CASE("pins of a group that went are dropped, and its chunk is handed back with its transaction") {
  World world;
  BlockGroup& kept = world.add(bg::kData, 20, 4);
  world.pins.pin(7, world.group, world.used(0, kMiB));
  const auto chunk = world.group.chunk;
  world.pins.add_dying(8, chunk);
  world.groups.remove(world.group);
  CHECK(world.pins.dying_device_bytes() == 8 * kMiB);
  CHECK(world.pins.ranges_until(8) == std::vector<ByteRange>{ByteRange::at(kMiB, 8 * kMiB)});
  CHECK(world.pins.release(7).empty());
  CHECK(world.pins.release(8) == PinnedExtents::Chunks{chunk});
  CHECK(world.pins.dying_device_bytes() == 0);
  CHECK(kept.counters.free() == 4 * kMiB);
}

TEST_CASE("free space that is loaded while extents are pinned does not take them for free") {
  World world;
  const ByteRange pinned = world.used(kMiB, kMiB);
  world.pins.pin(7, world.group, pinned);
  BlockGroup& other = world.add(bg::kData, 20, 4);
  GroupWorld::use(other, other.range());
  world.pins.pin(8, other, other.range());
  FreeSpace by_its_items(world.group.range(), GroupWorld::kSector);
  by_its_items.set_free(world.group.range());
  world.pins.take_out_of(by_its_items);
  CHECK(by_its_items.none_free(pinned));
  CHECK(by_its_items.free_bytes() == 7 * kMiB);
}

TEST_CASE("what overlapping extents of a damaged image free twice is free once") {
  World world;
  const ByteRange range = world.used(0, kMiB);
  world.group.pool->move(world.group, nullptr, &SpaceCounters::used, kMiB);
  world.pins.pin(7, world.group, range);
  world.pins.pin(7, world.group, range);
  world.pins.release(7);
  CHECK(world.group.counters.pinned == 0);
  CHECK(world.group.counters.unusable == kMiB);
  CHECK(world.group.counters.free() == world.group.free_space->free_bytes() - kMiB);
}

TEST_CASE("nothing of a damaged group becomes free") {
  World world;
  world.pins.pin(7, world.group, world.used(0, kMiB));
  world.groups.data().set_damaged(world.group);
  world.pins.release(7);
  CHECK(world.group.counters.free() == 0);
  CHECK(world.group.counters.unusable == 8 * kMiB);
}

}  // namespace butterfuse::pinned_extents_test
