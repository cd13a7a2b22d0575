// SPDX-License-Identifier: GPL-2.0-or-later
// TreePromises: the worst case of each tree, and their sum.
#include "core/alloc/tree_promises.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace butterfuse {
namespace {

// What one new item may add to its tree: one of 2 KiB in leaves that are half full, or a quarter of a block
// where that is more.
constexpr uint64_t kLeastGrowthPerItem = 4096;
// Children of a node, on the whole: nodes of 16 KiB have room for 493, and balance.cc merges those that are
// less than a third full where it can. So a tree of so many blocks has a 64th of them as nodes, and a level
// for each factor of 64.
constexpr uint64_t kFanout = 64;

// Levels of a tree of so many blocks.
uint64_t height_of(uint64_t blocks) {
  uint64_t height = 1;
  for (; blocks > 1; blocks /= kFanout) ++height;
  return height;
}

}  // namespace

TreePromises::Account& TreePromises::account(uint64_t root) { return trees_[root]; }

void TreePromises::note_active(uint64_t root, Account& tree) {
  if (!tree.active()) active_.try_emplace(root, &tree);
}

// Needs no memory: promises end in destructors.
void TreePromises::drop_if_idle(uint64_t root, const Account& tree) {
  if (!tree.active()) active_.erase(root);
}

void TreePromises::know(uint64_t root, uint64_t bytes, bool shared) {
  MutexLock lock(mutex_);
  Account& tree = account(root);
  any_shared_ |= shared;
  tree.shared |= shared;
  if (std::exchange(tree.known, true)) return;
  tree.bytes += static_cast<int64_t>(bytes);
}

void TreePromises::know_as_blocks(uint64_t root) {
  MutexLock lock(mutex_);
  account(root).plain_blocks = true;
}

void TreePromises::add_bytes(uint64_t root, int64_t bytes) {
  MutexLock lock(mutex_);
  Account& tree = account(root);
  tree.bytes += bytes;
  if (!std::exchange(tree.dirty, true)) ++dirty_;
}

void TreePromises::end_transaction() {
  MutexLock lock(mutex_);
  if (dirty_ == 0) return;
  for (auto& [root, tree] : trees_) tree.dirty = false;
  dirty_ = 0;
}

void TreePromises::promise(uint64_t root, uint64_t bytes) {
  MutexLock lock(mutex_);
  if (bytes == 0) return;
  Account& tree = account(root);
  note_active(root, tree);
  tree.promised += bytes;
  promised_ += bytes;
}

void TreePromises::give_back(uint64_t root, uint64_t bytes) {
  MutexLock lock(mutex_);
  if (bytes == 0) return;
  Account& tree = account(root);
  BF_ASSERT(tree.promised >= bytes, "tree {}: {} promised, {} given back", root, tree.promised, bytes);
  tree.promised -= bytes;
  promised_ -= bytes;
  drop_if_idle(root, tree);
}

void TreePromises::add_inodes(uint64_t root, int64_t inodes) {
  MutexLock lock(mutex_);
  Account& tree = account(root);
  if (inodes > 0) note_active(root, tree);
  tree.inodes += inodes;
  inodes_ += inodes;
  drop_if_idle(root, tree);
}

// The least of two bounds: each promise and inode by itself, with two paths for all; all the tree's blocks,
// with what is new in it. Of a tree that is not known, the first alone.
void TreePromises::add_need(const Account& tree, Of of, uint64_t extra, Need& sum) const {
  const uint64_t promised = (of == Of::commit ? 0 : tree.promised) + extra;
  const uint64_t inodes = of == Of::promises ? 0 : static_cast<uint64_t>(std::max<int64_t>(tree.inodes, 0));
  if (promised == 0 && inodes == 0) return;
  if (tree.plain_blocks) {
    sum.copies += promised, sum.growth += promised;
    return;
  }
  if (!tree.dirty) ++sum.dirty_roots;
  uint64_t worst = promised + inodes * nodesize_;
  const uint64_t items = promised / (kBlocksPerItem * nodesize_);
  const uint64_t growth = items * std::max<uint64_t>(kLeastGrowthPerItem, nodesize_ / 4);
  sum.growth += growth;
  if (!tree.known) {
    sum.copies += worst;
    if (any_shared_) sum.shared += worst / 2;
    return;
  }
  const uint64_t bytes = static_cast<uint64_t>(std::max<int64_t>(tree.bytes, nodesize_));
  worst += 2 * height_of(bytes / nodesize_) * nodesize_;
  if (inodes != 0) worst += bytes / kFanout;
  const uint64_t all_copies = tree.shared ? 2 * bytes : bytes;
  sum.copies += std::min(worst, all_copies + growth);
  if (tree.shared) sum.shared += std::min(worst / 2, bytes);
}

TreePromises::Need TreePromises::need(Of of, uint64_t root, uint64_t extra) const {
  MutexLock lock(mutex_);
  Need sum;
  if (of != Of::promises) sum.dirty_roots = dirty_;
  for (const auto& [id, tree] : active_)
    if (id != root || extra == 0) add_need(*tree, of, 0, sum);
  if (extra == 0) return sum;
  const auto found = trees_.find(root);
  add_need(found == trees_.end() ? Account{} : found->second, of, extra, sum);
  return sum;
}

uint64_t TreePromises::promised() const {
  MutexLock lock(mutex_);
  return promised_;
}

uint64_t TreePromises::inodes() const {
  MutexLock lock(mutex_);
  return static_cast<uint64_t>(std::max<int64_t>(inodes_, 0));
}

bool TreePromises::any_shared() const {
  MutexLock lock(mutex_);
  return any_shared_;
}

}  // namespace butterfuse
