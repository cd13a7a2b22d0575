// SPDX-License-Identifier: GPL-2.0-or-later
// Old space caches: which there are, and that those given up are believed by nobody.
#include "core/free_space/old_space_caches.h"

#include <catch2/catch.hpp>

#include "core/ondisk/format.h"
#include "tests/support/catch/memory_trees.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::old_space_caches_test {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// A root tree with a cache for each of these block groups, without the files.
struct World {
  explicit World(const std::vector<uint64_t>& groups) {
    WriteCursor cursor(root, trees.context());
    for (const uint64_t start : groups) {
      DiskFreeSpaceHeader header{};
      header.generation = 7;
      must(cursor.insert({objectid::kFreeSpace, 0, start}, object_bytes(header)));
    }
  }
  std::set<uint64_t> believed() { return must(find_old_space_caches(root)); }

  test::MemoryTrees trees{16384};
  Tree& root = trees.create(objectid::kRootTree);
};

}  // namespace

TEST_CASE("the caches of block groups that changed are given up, once, and the others stay") {
  World world({kMiB, 2 * kMiB, 3 * kMiB});
  OldSpaceCaches caches;
  CHECK_FALSE(caches.any());
  must(caches.find_all(world.root));
  CHECK(caches.any());
  CHECK(must(caches.give_up(world.trees.context(), world.root, {2 * kMiB, 9 * kMiB})));
  CHECK(world.believed() == std::set<uint64_t>{kMiB, 3 * kMiB});
  CHECK_FALSE(must(caches.give_up(world.trees.context(), world.root, {2 * kMiB})));
  CHECK(must(caches.give_up(world.trees.context(), world.root, {kMiB, 3 * kMiB})));
  CHECK(world.believed().empty());
  CHECK_FALSE(caches.any());
}

TEST_CASE("old caches are given up some at a time") {
  World world({kMiB, 2 * kMiB, 3 * kMiB});
  OldSpaceCaches caches;
  must(caches.find_all(world.root));
  must(caches.give_up_some(world.trees.context(), world.root, 2));
  CHECK(world.believed().size() == 1);
  CHECK(caches.any());
  must(caches.give_up_some(world.trees.context(), world.root, 2));
  CHECK(world.believed().empty());
  CHECK_FALSE(caches.any());
}

}  // namespace butterfuse::old_space_caches_test
