// SPDX-License-Identifier: GPL-2.0-or-later
// CommitDebt: what the next commit will copy although nobody holds a promise of space for it any more.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/alloc/tree_promises.h"
#include "core/ondisk/constants.h"

namespace butterfuse {

// Queued references reach the trees that follow the others (extent, free space, checksum, block group, root
// tree) only in the commit, and so do dirty inodes their trees. Whoever leaves such work counts it here;
// the allocator looks before it promises more. Thread-safe; a number may lag behind by what is being
// counted right now.
class CommitDebt {
 public:
  CommitDebt() { trees_.know_as_blocks(objectid::kTreeLog); }
  // Queued references: each counts, for of one extent with a thousand new ones a thousand items may be
  // inserted. Negative: they are written.
  void add_refs(int64_t refs) { refs_.fetch_add(refs, std::memory_order_relaxed); }
  // Bytes of follower trees that the running transaction has made, or has made and freed again (negative).
  void add_new_followers(int64_t bytes) { new_followers_.fetch_add(bytes, std::memory_order_relaxed); }
  // Bytes of follower trees from before the running transaction; negative: copied or freed.
  void add_old_followers(int64_t bytes) { old_followers_.fetch_add(bytes, std::memory_order_relaxed); }
  // The transaction's trees are final: what was new will have to be copied in the next one.
  void end_transaction() {
    add_old_followers(new_followers_.exchange(0, std::memory_order_relaxed));
    trees_.end_transaction();
  }
  // The other trees: promises and dirty inodes.
  TreePromises& trees() { return trees_; }
  const TreePromises& trees() const { return trees_; }

  uint64_t refs() const { return at_least_zero(refs_); }
  // Bytes of follower trees that could still have to be copied.
  uint64_t uncopied_followers() const { return at_least_zero(old_followers_); }

 private:
  static uint64_t at_least_zero(const std::atomic<int64_t>& number) {
    return static_cast<uint64_t>(std::max<int64_t>(number.load(std::memory_order_relaxed), 0));
  }
  std::atomic<int64_t> refs_{0}, new_followers_{0}, old_followers_{0};
  TreePromises trees_;
};

}  // namespace butterfuse
