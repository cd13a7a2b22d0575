// SPDX-License-Identifier: GPL-2.0-or-later
// The block cache on its own: budgets, single reads, dropped and reborn blocks, write-out.
#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/catch/memory_trees.h"

namespace butterfuse::test::tree_block_cache_test {
namespace {

// A tree of many leaves, committed and forgotten.
void fill(MemoryTrees& trees, uint64_t items) {
  Tree& tree = trees.create(objectid::kFsTree);
  for (uint64_t i = 0; i < items; ++i) {
    WriteCursor cursor(tree, trees.context());
    REQUIRE(cursor.insert({i, key_type::kStringItem, 0}, 100));
  }
  trees.reopen();
}

// Counts items from `start` on, up to `limit`; 0 after any error, as Catch can't be used off the main thread.
uint64_t count_items(Tree& tree, uint64_t start = 0, uint64_t limit = ~uint64_t{0}) {
  ReadCursor cursor(tree);
  if (!cursor.seek({start, 0, 0})) return 0;
  uint64_t count = 0;
  while (cursor.valid() && count < limit) {
    ++count;
    if (!cursor.next()) return 0;
  }
  return count;
}

}  // namespace

TEST_CASE("clean blocks stay within the budget and are read again when needed") {
  constexpr uint64_t kBudget = 32 * 4096;
  MemoryTrees trees(4096, kBudget);
  fill(trees, 5000);
  REQUIRE(count_items(trees.tree(objectid::kFsTree)) == 5000);
  REQUIRE(trees.cache().cached_bytes() <= kBudget + 4096);
  REQUIRE(count_items(trees.tree(objectid::kFsTree)) == 5000);
  REQUIRE(trees.source().reads() > 2 * 5000 * 100 / 4096);
}

TEST_CASE("concurrent readers of cold blocks read each once") {
  MemoryTrees trees(4096);
  fill(trees, 5000);
  std::array<uint64_t, 4> counts{};
  {
    std::vector<std::jthread> readers;
    for (uint64_t& count : counts) {
      readers.emplace_back([&] { count = count_items(trees.tree(objectid::kFsTree)); });
    }
  }
  for (uint64_t count : counts) REQUIRE(count == 5000);
  REQUIRE(trees.source().reads() * 4096 == trees.cache().cached_bytes());
}

TEST_CASE("a block whose read found no memory can be read later") {
  MemoryTrees trees(4096);
  fill(trees, 5000);
  Tree& tree = trees.tree(objectid::kFsTree);
  trees.source().have_no_memory_for_next_read();
  CHECK_THROWS_AS(count_items(tree), std::bad_alloc);
  CHECK(count_items(tree) == 5000);  // and does not wait for a reader that has gone
}

TEST_CASE("readers, a writer and the write-out of the transaction before get along in a small cache") {
  constexpr uint64_t kItems = 2000;
  MemoryTrees trees(4096, 64 * 4096);
  fill(trees, kItems);
  Tree& tree = trees.tree(objectid::kFsTree);
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        for (uint64_t start = 0; !stop; start = (start + 211) % (kItems - 100)) {
          failures += count_items(tree, start, 100) == 100 ? 0 : 1;
          std::this_thread::sleep_for(std::chrono::microseconds(200));  // let the writer in
        }
      });
    }
    for (int transaction = 0; transaction < 20; ++transaction) {
      std::vector<TreeBlockRef> dirty = trees.cache().take_dirty();
      trees.context().next_transaction();
      std::jthread write_out([&] {
        for (const TreeBlockRef& block : dirty) {
          block->mutable_header().csum[0] = 1;
          trees.source().write(block->bytenr(), block->bytes());
        }
        trees.cache().written(dirty);
      });
      for (uint64_t i = 0; i < 50; ++i) {
        WriteCursor cursor(tree, trees.context());
        Key key{(transaction * 131 + i * 17) % kItems, key_type::kStringItem, 0};
        bool fine = cursor.seek(key).value_or(false) && cursor.remove() && cursor.insert(key, 90).has_value();
        failures += fine ? 0 : 1;
      }
    }
    stop = true;
  }
  REQUIRE(failures == 0);
  trees.check();
  REQUIRE(count_items(tree) == kItems);
}

TEST_CASE("a dropped dirty block is never written, and its place can be taken anew") {
  MemoryTrees trees(4096);
  TreeBlockRef first = trees.cache().create(8192);
  REQUIRE(trees.cache().is_dirty(8192));
  REQUIRE(trees.cache().dirty_bytes() == 4096);
  trees.cache().drop(8192);
  REQUIRE(trees.cache().dirty_bytes() == 0);
  REQUIRE(trees.cache().take_dirty().empty());
  TreeBlockRef second = trees.cache().create(8192);
  REQUIRE(first != second);
  std::vector<TreeBlockRef> dirty = trees.cache().take_dirty();
  REQUIRE(dirty.size() == 1);
  REQUIRE(dirty[0] == second);
  REQUIRE((second->header().flags & header_flag::kWritten) != 0);
  REQUIRE(trees.cache().get(8192, {}).value() == second);
  trees.cache().drop(8192);
  trees.cache().written(dirty);
  REQUIRE(!trees.cache().get(8192, {}));
}

TEST_CASE("a block that is not what its parent says is refused, cached or not") {
  MemoryTrees trees(4096);
  fill(trees, 200);
  TreeRootPointer root = trees.tree(objectid::kFsTree).root();
  REQUIRE(trees.cache().get(root.bytenr, {root.generation + 1, root.level}).error().code == EUCLEAN);
  REQUIRE(trees.cache().get(root.bytenr, {root.generation, root.level}));
  REQUIRE(trees.cache().get(root.bytenr, {root.generation + 1, root.level}).error().code == EUCLEAN);
  REQUIRE(trees.cache().get(root.bytenr, {root.generation, root.level + 1}).error().code == EUCLEAN);
  REQUIRE(trees.cache().get(12345 * 4096, {}).error().code == EIO);
}

}  // namespace butterfuse::test::tree_block_cache_test
