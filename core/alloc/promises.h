// SPDX-License-Identifier: GPL-2.0-or-later
// Promises: how much of what is free is spoken for, and what room there is for more.
#pragma once

#include <cstdint>

#include "core/alloc/block_group_table.h"
#include "core/alloc/commit_debt.h"
#include "core/alloc/tree_promises.h"
#include "core/chunk/device_space.h"

namespace butterfuse {

// The books: what was promised of data, and with CommitDebt what all trees may need at the worst. Decides
// nothing: whether there is room for one more is Admission's question. promises.cc has the bound, and where
// its numbers come from. All sizes are bytes of logical space.
//
// Under the mutex of AllocatorState. Invariants, which Admission and ChunkMaker keep:
// - promised data is free in block groups;
// - what metadata_pool_need() says is free in block groups, or device space is left that can become it.
class Promises {
 public:
  using Of = TreePromises::Of;
  // Whose need: what may come (promises and what the commit adds to them), the commit's alone, or the
  // promises' alone as they will be behind it; with a further promise of `extra` bytes for a tree.
  struct Whose {
    Of of = Of::everything;
    uint64_t root = 0, extra = 0;
  };

  Promises(const BlockGroupTable& groups, const DeviceSpace& device_space, CommitDebt& debt,
           uint32_t nodesize)
      : groups_(groups), device_space_(device_space), debt_(debt), nodesize_(nodesize) {}

  void add_data(uint64_t bytes) { data_ += bytes; }
  void add_metadata(uint64_t root, uint64_t bytes) { debt_.trees().promise(root, bytes); }
  void give_back(SpaceClass space, uint64_t root, uint64_t bytes);
  uint64_t data_bytes() const { return data_; }
  uint64_t metadata_bytes() const { return debt_.trees().promised(); }  // worst cases, simply added up

  // ---- needs ----
  // What must be there for metadata: see promises.cc.
  uint64_t metadata_need(const Whose& whose) const;
  uint64_t metadata_need() const { return metadata_need(Whose{}); }
  // That, and promised data where groups are mixed.
  uint64_t metadata_pool_need(const Whose& whose) const;
  uint64_t metadata_pool_need() const { return metadata_pool_need(Whose{}); }
  // What of the pool must stay free, or become so where it is metadata's.
  uint64_t pool_need(const SpacePool& pool, Of of) const;
  // For a promise of `bytes` to work that frees space: it may use most of the global reserve.
  uint64_t need_while_freeing(uint64_t root, uint64_t bytes) const;
  uint64_t global_reserve() const;

  // ---- room ----
  uint64_t metadata_room() const;  // free in block groups, and what the devices could add
  // Time for a new metadata chunk, while the devices have space.
  bool metadata_is_tight() const;

  // ---- budgets ----
  // How many bytes of tree blocks a commit may make that begins now.
  uint64_t commit_budget() const { return metadata_need({.of = Of::commit}); }
  // There is space for all this, and `extra` bytes of debt for the tree `root` that nobody promises.
  bool commit_fits(uint64_t root, uint64_t extra) const;

 private:
  uint64_t follower_copies(uint64_t refs) const;

  const BlockGroupTable& groups_;
  const DeviceSpace& device_space_;
  CommitDebt& debt_;
  const uint32_t nodesize_;
  uint64_t data_ = 0;
};

}  // namespace butterfuse
