// SPDX-License-Identifier: GPL-2.0-or-later
// Promises: what is needed at the worst, for whom, and what room there is.
#include "core/alloc/promises.h"

#include <catch2/catch.hpp>

#include "tests/core/alloc/group_world.h"

namespace butterfuse::promises_test {
namespace {

using Of = Promises::Of;
constexpr uint64_t kMiB = GroupWorld::kMiB;
constexpr uint64_t kItem = kBlocksPerItem * GroupWorld::kNode;
constexpr uint64_t kTree = 5;

struct World : GroupWorld {
  explicit World(uint64_t metadata_mib = 32, bool mixed = false)
      : GroupWorld(mixed),
        metadata(add(mixed ? bg::kData | bg::kMetadata : uint64_t{bg::kMetadata}, 100, metadata_mib)) {
    if (!mixed) add(bg::kData, 1, 8);
  }
  BlockGroup& metadata;
};

}  // namespace

TEST_CASE("the global reserve is a part of metadata, but never below a MiB or above 16") {
  CHECK(World(8).promises.global_reserve() == kMiB);
  CHECK(World(64).promises.global_reserve() == 4 * kMiB);
  CHECK(World(64, true).promises.global_reserve() == 2 * kMiB);
  CHECK(World(1000).promises.global_reserve() == 16 * kMiB);
}

TEST_CASE("where nothing is promised and nothing is left to do, the need is the global reserve") {
  const World world;
  CHECK(world.promises.metadata_need() == world.promises.global_reserve());
  CHECK(world.promises.commit_budget() == world.promises.global_reserve());
  CHECK(world.promises.commit_fits(0, 0));
}

TEST_CASE("a promise is needed until it is given back") {
  World world;
  GroupWorld::use(world.metadata, ByteRange::at(world.metadata.start(), 8 * kMiB));
  const uint64_t before = world.promises.metadata_need();
  world.promises.add_metadata(kTree, 10 * kItem);
  CHECK(world.promises.metadata_bytes() == 10 * kItem);
  CHECK(world.promises.metadata_need() >= before + 10 * kItem);
  world.promises.give_back(SpaceClass::metadata, kTree, 10 * kItem);
  CHECK(world.promises.metadata_need() == before);
}

TEST_CASE("a promise that is asked for needs what it will need once it is given") {
  World world;
  GroupWorld::use(world.metadata, ByteRange::at(world.metadata.start(), 8 * kMiB));
  world.promises.add_metadata(kTree, 3 * kItem);
  const uint64_t asked = world.promises.metadata_need({.root = kTree, .extra = 2 * kItem});
  world.promises.add_metadata(kTree, 2 * kItem);
  CHECK(world.promises.metadata_need() == asked);
}

TEST_CASE("promised data needs its bytes, in the metadata's pool too where groups are mixed") {
  World apart, mixed(32, true);
  for (World* world : {&apart, &mixed}) world->promises.add_data(3 * kMiB);
  CHECK(apart.promises.metadata_pool_need() == apart.promises.metadata_need());
  CHECK(apart.promises.pool_need(apart.groups.data(), Of::everything) == 3 * kMiB);
  CHECK(apart.promises.pool_need(apart.groups.system(), Of::everything) == 0);
  CHECK(mixed.promises.metadata_pool_need() == mixed.promises.metadata_need() + 3 * kMiB);
  CHECK(mixed.promises.pool_need(mixed.groups.data(), Of::everything) == mixed.promises.metadata_pool_need());
  apart.promises.give_back(SpaceClass::data, 0, 3 * kMiB);
  CHECK(apart.promises.data_bytes() == 0);
}

TEST_CASE("a commit's budget is for its debt alone, and promises outlive the debt") {
  World world;
  GroupWorld::use(world.metadata, ByteRange::at(world.metadata.start(), 8 * kMiB));
  world.promises.add_metadata(kTree, 10 * kItem);
  const uint64_t budget = world.promises.commit_budget();
  CHECK(budget == world.promises.global_reserve());
  const uint64_t for_promises = world.promises.metadata_need({.of = Of::promises});
  world.debt.add_old_followers(4 * kMiB);
  world.debt.add_refs(100);
  CHECK(world.promises.commit_budget() > budget);
  CHECK(world.promises.metadata_need() > world.promises.commit_budget());
  world.debt.add_old_followers(-int64_t{4 * kMiB});
  CHECK(world.promises.metadata_need({.of = Of::promises}) == for_promises);
}

TEST_CASE("references copy no more of the followers than there is") {
  World world;
  GroupWorld::use(world.metadata, ByteRange::at(world.metadata.start(), 16 * kMiB));
  world.debt.add_old_followers(kMiB);
  world.debt.add_refs(1'000'000);
  const uint64_t items = 1'000'000 * 256ull;
  CHECK(world.promises.commit_budget() >= items + kMiB);
  CHECK(world.promises.commit_budget() < items + 2 * kMiB + world.promises.global_reserve());
}

TEST_CASE("where trees share blocks, the followers are kept free as a whole") {
  World world;
  GroupWorld::use(world.metadata, ByteRange::at(world.metadata.start(), 16 * kMiB));
  world.debt.add_old_followers(8 * kMiB);
  const uint64_t before = world.promises.metadata_need();
  CHECK(before < 2 * kMiB + world.promises.global_reserve());
  world.debt.trees().know(kTree, kMiB, true);
  CHECK(world.promises.metadata_need() >= before + 8 * kMiB);
  CHECK(world.promises.commit_budget() == before);  // a commit copies what it must
}

TEST_CASE("who frees space may use the global reserve but for a quarter, or half a MiB") {
  for (const uint64_t metadata_mib : {16, 160, 400}) {
    const World world(metadata_mib);
    const uint64_t reserve = world.promises.global_reserve();
    const uint64_t with_reserve = world.promises.metadata_pool_need({.root = kTree, .extra = 2 * kItem});
    const uint64_t kept = world.promises.need_while_freeing(kTree, 2 * kItem) + reserve - with_reserve;
    CHECK(kept == std::min(reserve / 4, kMiB / 2));
  }
}

TEST_CASE("debt that nobody promises fits until half of the global reserve is left") {
  World world;
  const uint64_t reserve = world.promises.global_reserve();
  const uint64_t free = world.metadata.counters.free();
  GroupWorld::use(world.metadata, ByteRange::at(world.metadata.start(), free - reserve));
  CHECK(world.promises.commit_fits(0, 0));
  GroupWorld::use(world.metadata, ByteRange::at(world.metadata.start() + free - reserve, reserve / 2));
  CHECK(world.promises.commit_fits(0, 0));
  CHECK_FALSE(world.promises.commit_fits(kTree, GroupWorld::kNode));
  GroupWorld::use(world.metadata, ByteRange::at(world.metadata.range().end - kMiB / 4, GroupWorld::kSector));
  CHECK_FALSE(world.promises.commit_fits(0, 0));
}

TEST_CASE("room for metadata is what is free, and what the devices could add") {
  World world;
  CHECK(world.promises.metadata_room() == 32 * kMiB);
  world.device_space.add_device(1, {}, 64 * kMiB);
  CHECK(world.promises.metadata_room() == 32 * kMiB + 63 * kMiB);
}

TEST_CASE("metadata is tight when four fifths are in use, or less is free than the reserve") {
  World large(100), small(1);
  CHECK_FALSE(large.promises.metadata_is_tight());
  GroupWorld::use(large.metadata, ByteRange::at(large.metadata.start(), 79 * kMiB));
  CHECK_FALSE(large.promises.metadata_is_tight());
  GroupWorld::use(large.metadata, ByteRange::at(large.metadata.start() + 79 * kMiB, kMiB));
  CHECK(large.promises.metadata_is_tight());
  CHECK_FALSE(small.promises.metadata_is_tight());
  GroupWorld::use(small.metadata, ByteRange::at(small.metadata.start(), GroupWorld::kSector));
  CHECK(small.promises.metadata_is_tight());
}

}  // namespace butterfuse::promises_test
