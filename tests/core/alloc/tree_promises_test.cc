// SPDX-License-Identifier: GPL-2.0-or-later
// TreePromises: the worst case of what trees may copy.
#include "core/alloc/tree_promises.h"

#include <catch2/catch.hpp>

#include "core/alloc/commit_debt.h"

namespace butterfuse::tree_promises_test {
namespace {

constexpr uint64_t kNode = 16384;
constexpr uint64_t kItem = kBlocksPerItem * kNode;
constexpr uint64_t kMiB = 1 << 20;

uint64_t copies(const TreePromises& promises) { return promises.need(TreePromises::Of::everything).copies; }

}  // namespace

TEST_CASE("promises for a tree need no more than its blocks and what is added") {
  TreePromises promises;
  promises.know(5, 4 * kMiB, false);
  promises.promise(5, 10 * kItem);
  const uint64_t few = copies(promises);
  CHECK(few >= 10 * kItem);
  CHECK(few < 20 * kItem);
  promises.promise(5, 10'000 * kItem);
  CHECK(copies(promises) >= 4 * kMiB + 10'000 * 4096);
  CHECK(copies(promises) < 5 * kMiB + 10'100 * 4096);
  promises.give_back(5, 10'010 * kItem);
  CHECK(copies(promises) == 0);
}

TEST_CASE("each snapshot copies its own blocks, for good, and again") {
  TreePromises promises;
  for (uint64_t root = 256; root < 356; ++root) {
    promises.know(root, kMiB, true);
    promises.promise(root, 1000 * kItem);
  }
  const TreePromises::Need need = promises.need(TreePromises::Of::everything);
  CHECK(need.copies >= 100 * 2 * kMiB);
  CHECK(need.shared == 100 * kMiB);
  CHECK(need.dirty_roots == 100);
}

TEST_CASE("a tree that nobody knows has no bound but its promises") {
  TreePromises promises;
  promises.promise(0, 1000 * kItem);
  CHECK(copies(promises) == 1000 * kItem);
  CHECK(promises.need(TreePromises::Of::everything).shared == 0);
  promises.know(256, kMiB, true);
  CHECK(promises.need(TreePromises::Of::everything).shared != 0);
}

TEST_CASE("dirty inodes are the commit's, promises are not") {
  TreePromises promises;
  promises.know(5, 100 * kMiB, false);
  promises.promise(5, 7 * kItem);
  promises.add_inodes(5, 1000);
  CHECK(promises.need(TreePromises::Of::commit).copies >= 1000 * kNode);
  CHECK(promises.need(TreePromises::Of::commit).copies < promises.need(TreePromises::Of::everything).copies);
  CHECK(promises.need(TreePromises::Of::promises).copies < 1000 * kNode);
  promises.add_inodes(5, -1000);
  CHECK(promises.need(TreePromises::Of::commit).copies == 0);
}

TEST_CASE("a further promise counts as if it were made") {
  TreePromises promises;
  promises.know(5, 4 * kMiB, true);
  promises.promise(5, 3 * kItem);
  const uint64_t thought = promises.need(TreePromises::Of::everything, 5, 9 * kItem).copies;
  promises.promise(5, 9 * kItem);
  CHECK(copies(promises) == thought);
}

TEST_CASE("trees that changed have a root item to write, until the transaction ends") {
  CommitDebt debt;
  debt.trees().know(5, kMiB, false);
  debt.trees().add_bytes(5, kNode);
  debt.trees().add_bytes(5, -int64_t{kNode});
  CHECK(debt.trees().need(TreePromises::Of::commit).dirty_roots == 1);
  debt.end_transaction();
  CHECK(debt.trees().need(TreePromises::Of::commit).dirty_roots == 0);
}

}  // namespace butterfuse::tree_promises_test
