// SPDX-License-Identifier: GPL-2.0-or-later
// Trees whose blocks were tampered with: every walk ends, with EUCLEAN.
#include <catch2/catch.hpp>
#include <random>

#include "core/btree/block_layout.h"
#include "tests/support/catch/memory_trees.h"

namespace butterfuse::test::hostile_tree_test {
namespace {

constexpr uint64_t kItems = 6000;  // three levels of 4 KiB nodes

Key nth_key(uint64_t n) { return {n, key_type::kStringItem, 0}; }

void fill(MemoryTrees& trees) {
  Tree& tree = trees.create(objectid::kFsTree);
  for (uint64_t i = 0; i < kItems; ++i) {
    WriteCursor cursor(tree, trees.context());
    REQUIRE(cursor.insert(nth_key(i), 80));
  }
  REQUIRE(tree.root().level == 2);
}

TreeBlockRef block_at(MemoryTrees& trees, const Key& key, int level) {
  ReadCursor cursor(trees.tree(objectid::kFsTree));
  REQUIRE(cursor.seek(key));
  return cursor.path().blocks[static_cast<size_t>(level)];
}

int walk_error(MemoryTrees& trees) {
  ReadCursor cursor(trees.tree(objectid::kFsTree));
  auto found = cursor.seek(Key{});
  if (!found) return found.error().code;
  for (uint64_t steps = 0; cursor.valid(); ++steps) {
    REQUIRE(steps <= kItems);
    Status status = cursor.next();
    if (!status) return status.error().code;
  }
  return 0;
}

}  // namespace

TEST_CASE("a tampered tree is refused on the way through it") {
  MemoryTrees trees(4096);
  fill(trees);
  REQUIRE(walk_error(trees) == 0);
  TreeBlockRef node = block_at(trees, nth_key(3000), 1);
  TreeBlockRef leaf = block_at(trees, nth_key(3000), 0);
  NodeView view(node->bytes());
  SECTION("two pointers to one child") {
    node_set_ptr(node->mutable_bytes(), 3, view.ptr(2).blockptr, view.ptr(2).generation);
  }
  SECTION("a pointer to the node itself") {
    node_set_ptr(node->mutable_bytes(), 3, node->bytenr(), node->generation());
  }
  SECTION("a key that is not the child's first") {
    Key key = view.key(3);
    --key.objectid;
    node_set_key(node->mutable_bytes(), 3, key);
  }
  SECTION("a child that reaches into its neighbour's keys") {
    leaf_set_key(leaf->mutable_bytes(), leaf->count() - 1, {4000, key_type::kStringItem, 0});
  }
  SECTION("a child of another tree") { leaf->mutable_header().owner = objectid::kExtentTree; }
  SECTION("an empty leaf that is not the root") { leaf_remove(leaf->mutable_bytes(), 0, leaf->count()); }
  SECTION("another generation") { leaf->mutable_header().generation = 3; }
  REQUIRE(walk_error(trees) == EUCLEAN);
  ReadCursor cursor(trees.tree(objectid::kFsTree));
  REQUIRE(cursor.seek(nth_key(1)).value());
}

TEST_CASE("random damage to blocks that pass the tree checker never breaks searching or changing") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    MemoryTrees trees(4096);
    Tree& tree = trees.create(objectid::kFsTree);
    for (uint64_t i = 0; i < 400; ++i) {
      WriteCursor cursor(tree, trees.context());
      REQUIRE(cursor.insert(nth_key(i), 200));
    }
    std::vector<TreeBlockRef> dirty = trees.cache().take_dirty();
    for (const TreeBlockRef& block : dirty) {
      if (random() % 4 == 0) {
        uint64_t places = sizeof(DiskHeader) + (random() % 2 == 0 ? 0 : block->count() * sizeof(DiskKeyPtr));
        block->mutable_bytes()[random() % std::min<uint64_t>(places, 4096)] =
            static_cast<std::byte>(random());
      }
      trees.source().write(block->bytenr(), block->bytes());
    }
    for (const TreeBlockRef& block : dirty) trees.cache().drop(block->bytenr());
    trees.cache().set_generation_limit(trees.context().transid());
    trees.context().next_transaction();
    Tree& damaged = trees.tree(objectid::kFsTree);
    for (int i = 0; i < 100; ++i) {
      WriteCursor cursor(damaged, trees.context());
      auto found = cursor.seek(nth_key(random() % 400));
      if (!found || !cursor.valid()) continue;
      switch (random() % 4) {
        case 0:
          (void)cursor.remove();
          break;
        case 1:
          (void)cursor.insert({random() % 400, 1, 0}, 100);
          break;
        case 2:
          (void)cursor.resize(random() % 500);
          break;
        default:
          (void)cursor.prev();
      }
    }
  }
}

}  // namespace butterfuse::test::hostile_tree_test
