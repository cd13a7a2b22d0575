// SPDX-License-Identifier: GPL-2.0-or-later
// How dense trees become: the shapes that large directories, files and checksums make.
#include <catch2/catch.hpp>
#include <random>

#include "core/btree/block_layout.h"
#include "tests/support/catch/memory_trees.h"

namespace butterfuse::test::fill_test {
namespace {

void step(ReadCursor& cursor) { REQUIRE(cursor.next()); }

struct Density {
  uint64_t leaves = 0;
  uint64_t used_bytes = 0;
  double fill(uint32_t nodesize) const {
    return static_cast<double>(used_bytes) / (static_cast<double>(leaves) * leaf_capacity(nodesize));
  }
};

Density density_of(Tree& tree) {
  Density density;
  ReadCursor cursor(tree);
  REQUIRE(cursor.seek(Key{}));
  uint64_t last = 0;
  for (; cursor.valid(); step(cursor)) {
    const TreeBlock& leaf = cursor.path().leaf();
    if (leaf.bytenr() == last) continue;
    last = leaf.bytenr();
    ++density.leaves;
    density.used_bytes += leaf_used_bytes(leaf.bytes());
  }
  return density;
}

void insert(MemoryTrees& trees, Tree& tree, const Key& key, uint32_t size) {
  WriteCursor cursor(tree, trees.context());
  REQUIRE(cursor.insert(key, size));
}

}  // namespace

TEST_CASE("items in order fill their leaves") {
  MemoryTrees trees(16384);
  Tree& tree = trees.create(objectid::kFsTree);
  for (uint64_t i = 0; i < 20000; ++i) insert(trees, tree, {i, key_type::kStringItem, 0}, 100);
  REQUIRE(density_of(tree).fill(16384) > 0.98);
  trees.check();
}

TEST_CASE("items in order in the middle of a tree fill their leaves") {
  MemoryTrees trees(16384);
  Tree& tree = trees.create(objectid::kFsTree);
  for (uint64_t i = 0; i < 100; ++i) insert(trees, tree, {1000 + i, key_type::kStringItem, 0}, 100);
  for (uint64_t i = 0; i < 20000; ++i) insert(trees, tree, {500, key_type::kStringItem, i}, 100);
  REQUIRE(density_of(tree).fill(16384) > 0.95);
  trees.check();
}

TEST_CASE("the items of new files leave the tree dense") {
  std::mt19937_64 random(1);
  MemoryTrees trees(16384);
  Tree& tree = trees.create(objectid::kFsTree);
  for (uint64_t ino = 300; ino < 10300; ++ino) {
    insert(trees, tree, {256, key_type::kDirItem, random() & 0xFFFFFFFF}, 45);
    insert(trees, tree, {256, key_type::kDirIndex, ino}, 45);
    insert(trees, tree, {ino, key_type::kInodeItem, 0}, 160);
    insert(trees, tree, {ino, key_type::kInodeRef, 256}, 25);
    insert(trees, tree, {ino, key_type::kStringItem, 0}, 53);
  }
  CHECK(density_of(tree).fill(16384) > 0.85);
  trees.check();
}

TEST_CASE("items in random order leave leaves two thirds full") {
  std::mt19937_64 random(1);
  MemoryTrees trees(16384);
  Tree& tree = trees.create(objectid::kFsTree);
  for (uint64_t i = 0; i < 20000; ++i) insert(trees, tree, {random(), key_type::kStringItem, 0}, 100);
  CHECK(density_of(tree).fill(16384) > 0.66);
  trees.check();
}

TEST_CASE("removing most items merges leaves") {
  MemoryTrees trees(16384);
  Tree& tree = trees.create(objectid::kFsTree);
  for (uint64_t i = 0; i < 20000; ++i) insert(trees, tree, {i, key_type::kStringItem, 0}, 100);
  trees.reopen();
  for (uint64_t i = 0; i < 20000; ++i) {
    if (i % 10 == 0) continue;
    WriteCursor cursor(trees.tree(objectid::kFsTree), trees.context());
    REQUIRE(cursor.seek({i, key_type::kStringItem, 0}).value());
    REQUIRE(cursor.remove());
  }
  CHECK(density_of(trees.tree(objectid::kFsTree)).fill(16384) > 0.33);
  trees.check();
}

}  // namespace butterfuse::test::fill_test
