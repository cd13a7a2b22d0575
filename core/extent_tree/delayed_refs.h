// SPDX-License-Identifier: GPL-2.0-or-later
// DelayedRefs: reference changes of a transaction, merged per extent until the extent tree learns them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/alloc/commit_debt.h"
#include "core/base/mutex.h"
#include "core/extent_tree/extent_ref.h"

namespace butterfuse {

// By how much the count of one reference changes.
struct RefDelta {
  ExtentRef ref;
  int64_t delta = 0;
};

// What one extent's item is to become: the sum of all queued changes.
struct ExtentChange {
  uint64_t bytenr = 0;
  uint64_t num_bytes = 0;
  bool data = false;
  bool newborn = false;          // has no extent item yet
  int level = 0;                 // tree blocks
  Key first_key;                 // newborn tree blocks
  uint64_t add_flags = 0;        // extent_flag:: to set
  std::vector<RefDelta> deltas;  // no two of the same reference; some may be 0
  bool once_shared = false;      // had several references when it was taken, earlier in this transaction

  int64_t total() const;
  bool has_effect() const;
};

// Thread-safe; sharded by bytenr. The hot path is one hash look-up under a shard's mutex.
class DelayedRefs {
 public:
  // Counts in `debt` what is queued, until settle() says that it was run.
  DelayedRefs(uint32_t nodesize, CommitDebt& debt);
  ~DelayedRefs();

  // All changes fail with EUCLEAN when they contradict what is queued (a damaged image gave out space in use,
  // or names one extent with two lengths).
  Status add_newborn_tree_block(const TreeRef& first_ref, const Key& first_key);
  Status add_newborn_data(const DataRef& first_ref);
  Status change(const TreeRef& ref, int64_t delta);
  Status change(const DataRef& ref, int64_t delta);
  // From now on the block's children are referred to by its bytenr. There is no way back: the flag only
  // ever comes.
  Status set_full_backref(uint64_t bytenr, int level);

  // Drops a reference of a tree block. True when the block was newborn and has no reference left: it then is
  // forgotten here, as if it had never been, and its space is the caller's to give back.
  Result<bool> drop_and_forget_newborn(const TreeRef& ref);

  // What is queued for a tree block.
  struct Queued {
    bool newborn = false;
    int64_t delta = 0;
    uint64_t flags = 0;
  };
  Queued queued(uint64_t bytenr) const;
  // All that is queued for an extent (no deltas: nothing is), and `once_shared`.
  ExtentChange queued_change(uint64_t bytenr) const;

  // Takes everything that has an effect, by bytenr. In the order of bytenrs, as the extent tree has them: its
  // leaves are gone through once, from left to right.
  std::vector<ExtentChange> take_all();
  // Takes only what may run while handles are still open: newborn data extents that have a reference.
  // Anything else may be half of a change, as a dropped reference whose successor is still to come.
  std::vector<ExtentChange> take_newborn_data();
  // The change has reached its trees, or never will have to.
  void settle(const ExtentChange& change) { debt_.add_refs(-static_cast<int64_t>(change.deltas.size())); }
  // How many extents have queued changes (those that cancelled out included).
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Head;
  struct Shard;
  Shard& shard_of(uint64_t bytenr) const;
  template <class Keep>
  std::vector<ExtentChange> take(const Keep& wanted);

  const uint32_t nodesize_;
  CommitDebt& debt_;
  // Requests of several threads seldom meet in one of 16.
  static constexpr int kShards = 16;  // shard_of() makes four bits
  std::unique_ptr<Shard[]> shards_;
  std::atomic<size_t> size_{0};
};

}  // namespace butterfuse
