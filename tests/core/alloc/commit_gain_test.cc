// SPDX-License-Identifier: GPL-2.0-or-later
// CommitGain: whether a commit would help, and whether it is time for one.
#include "core/alloc/commit_gain.h"

#include <catch2/catch.hpp>

#include "tests/core/alloc/group_world.h"

namespace butterfuse::commit_gain_test {
namespace {

constexpr uint64_t kMiB = GroupWorld::kMiB;

struct World : GroupWorld {
  BlockGroup& data = add(bg::kData, 100, 64);
  BlockGroup& metadata = add(bg::kMetadata, 200, 32);
  PinnedExtents pins{groups};
  CommitGain gain{groups, device_space, promises, pins, debt};
};

}  // namespace

TEST_CASE("a commit makes room where space is pinned, as much as that is") {
  World world;
  const ByteRange used = world.data.range();
  GroupWorld::use(world.data, used);
  CHECK_FALSE(world.gain.would_make_room(world.groups.data(), kMiB));
  world.pins.pin(7, world.data, ByteRange::at(used.start, 2 * kMiB));
  CHECK(world.gain.would_make_room(world.groups.data(), 2 * kMiB));
  CHECK_FALSE(world.gain.would_make_room(world.groups.data(), 3 * kMiB));
  world.promises.add_data(kMiB);
  CHECK_FALSE(world.gain.would_make_room(world.groups.data(), 2 * kMiB));
  CHECK(world.gain.would_make_room(world.groups.data(), kMiB));
}

TEST_CASE("a commit makes room where groups of another kind are empty, but not where it is the only one") {
  World world;
  GroupWorld::use(world.metadata, world.metadata.range());
  CHECK_FALSE(world.gain.would_make_room(world.groups.metadata(), kMiB));
  world.add(bg::kData, 300, 16);
  CHECK(world.gain.would_make_room(world.groups.metadata(), kMiB));
  CHECK_FALSE(world.gain.would_make_room(world.groups.metadata(), 100 * kMiB));
}

TEST_CASE("a commit makes room for metadata where it turns debt into what it really is") {
  World world;
  CHECK_FALSE(world.gain.would_make_room(world.groups.metadata(), kMiB));  // there is room without it
  world.debt.add_refs(1);
  CHECK(world.gain.would_make_room(world.groups.metadata(), kMiB));
  CHECK_FALSE(world.gain.would_make_room(world.groups.metadata(), 32 * kMiB));  // not with the reserve
}

TEST_CASE("a commit is due once more data was taken since the last than is left") {
  World world;
  auto take = [&, at = world.data.start()](uint64_t bytes) mutable {
    GroupWorld::use(world.data, ByteRange::at(at, bytes));
    world.gain.note_data_taken(bytes);
    at += bytes;
  };
  take(32 * kMiB);
  CHECK_FALSE(world.gain.hear_that_commit_is_due());
  take(kMiB);
  CHECK(world.gain.hear_that_commit_is_due());
  CHECK_FALSE(world.gain.hear_that_commit_is_due());  // told once
  world.gain.begin_commit();
  take(15 * kMiB);
  CHECK_FALSE(world.gain.hear_that_commit_is_due());  // not worth one
  take(8 * kMiB);
  CHECK(world.gain.hear_that_commit_is_due());
}

}  // namespace butterfuse::commit_gain_test
