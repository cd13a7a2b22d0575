// SPDX-License-Identifier: GPL-2.0-or-later
// BlockGroupTable and DirtyGroups: who is where, whose pool, and what waits to be written of it.
#include "core/alloc/block_group_table.h"

#include <catch2/catch.hpp>

#include "core/alloc/dirty_groups.h"
#include "tests/core/alloc/group_world.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::block_group_table_test {
namespace {

constexpr uint64_t kMiB = GroupWorld::kMiB;

}  // namespace

TEST_CASE("a range is its group's only if the group has all of it") {
  GroupWorld world;
  BlockGroup& first = world.add(bg::kData, 1, 4);
  BlockGroup& next = world.add(bg::kData, 5, 4);
  CHECK(world.groups.containing(first.range()) == &first);
  CHECK(world.groups.containing(ByteRange::at(5 * kMiB, 4096)) == &next);
  CHECK(world.groups.containing({4 * kMiB, 6 * kMiB}) == nullptr);
  CHECK(world.groups.containing({kMiB / 2, 2 * kMiB}) == nullptr);
  CHECK(world.groups.containing({8 * kMiB, 10 * kMiB}) == nullptr);
  CHECK(world.groups.containing({2 * kMiB, 2 * kMiB}) == nullptr);
  CHECK(world.groups.starting_at(5 * kMiB) == &next);
  CHECK(world.groups.starting_at(6 * kMiB) == nullptr);
}

TEST_CASE("each group counts in the pool of its kind, until it is removed") {
  GroupWorld world;
  world.add(bg::kData, 1, 4);
  BlockGroup& metadata = world.add(bg::kMetadata | bg::kDup, 10, 8);
  world.add(bg::kSystem, 20, 1);
  CHECK_FALSE(world.groups.mixed());
  CHECK(world.groups.pool_of(SpaceClass::data).counters().total == 4 * kMiB);
  CHECK(world.groups.metadata().profile() == bg::kDup);
  GroupWorld::use(metadata, ByteRange::at(metadata.start(), kMiB));
  CHECK(world.groups.bytes_used() == kMiB);
  world.groups.remove(metadata);
  CHECK(world.groups.bytes_used() == 0);
  CHECK(world.groups.metadata().counters().total == 0);
  CHECK(world.groups.starts() == std::vector<uint64_t>{kMiB, 20 * kMiB});
}

TEST_CASE("mixed groups serve data and metadata from one pool") {
  GroupWorld world(true);
  const BlockGroup& group = world.add(bg::kData | bg::kMetadata, 1, 4);
  CHECK(world.groups.mixed());
  CHECK(&world.groups.pool_of(SpaceClass::data) == group.pool);
  CHECK(&world.groups.pool_of(SpaceClass::metadata) == group.pool);
  CHECK(&world.groups.pool_of(SpaceClass::system) != group.pool);
}

TEST_CASE("an extent that comes and goes leaves no change to write, though its group is looked at") {
  GroupWorld world;
  BlockGroup& group = world.add(bg::kData, 1, 4);
  DirtyGroups dirty;
  REQUIRE(dirty.record(group, ByteRange::at(kMiB, 4096), false));
  CHECK(dirty.record(group, ByteRange::at(kMiB, 4096), false).error().code == EUCLEAN);
  REQUIRE(dirty.record(group, ByteRange::at(kMiB, 4096), true));
  CHECK(group.delta.empty());
  CHECK(dirty.starts() == std::set<uint64_t>{kMiB});
  dirty.forget(kMiB);
  CHECK(dirty.starts().empty());
}

TEST_CASE("changes that wait are bounded: then they are written before the commit") {
  GroupWorld world;
  BlockGroup& group = world.add(bg::kData, 100, 512);
  DirtyGroups dirty;
  for (size_t i = 0; i < DirtyGroups::kMostWaiting; i++) {
    REQUIRE_FALSE(dirty.too_many_wait());
    must(dirty.record(group, ByteRange::at(group.start() + i * 2 * 4096, 4096), false));
  }
  CHECK(dirty.too_many_wait());
  dirty.note_written();
  CHECK_FALSE(dirty.too_many_wait());
}

}  // namespace butterfuse::block_group_table_test
