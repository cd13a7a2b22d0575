// SPDX-License-Identifier: GPL-2.0-or-later
// Transaction: everything that one superblock will make visible at once, while it is collected.
#pragma once

#include <cstdint>
#include <map>

#include "core/base/mutex.h"
#include "core/extent_tree/delayed_refs.h"
#include "core/transaction/block_claims.h"

namespace butterfuse {

// Made by the first join, shared by its handles, ended by the commit. Thread-safe.
class Transaction {
 public:
  Transaction(uint64_t transid, uint32_t nodesize, CommitDebt& debt)
      : transid_(transid), refs_(nodesize, debt) {}
  uint64_t transid() const { return transid_; }
  DelayedRefs& refs() { return refs_; }
  BlockClaims& claims() { return claims_; }
  // Shared: looking a block's references up in queue and extent tree together. Exclusive: moving
  // queued references into the extent tree. Taken with an fs tree's lock held, and before the extent
  // and csum trees' locks.
  SharedMutex& refs_moving() { return refs_moving_; }

  // By how much the size of a tree (root_item.bytes_used) changes with this transaction.
  void add_tree_bytes(uint64_t root, int64_t bytes) {
    MutexLock lock(mutex_);
    tree_bytes_[root] += bytes;
  }
  int64_t take_tree_bytes(uint64_t root) {
    MutexLock lock(mutex_);
    auto node = tree_bytes_.extract(root);
    return node ? node.mapped() : 0;
  }

 private:
  const uint64_t transid_;
  DelayedRefs refs_;
  BlockClaims claims_;
  SharedMutex refs_moving_;
  Mutex mutex_;
  std::map<uint64_t, int64_t> tree_bytes_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
