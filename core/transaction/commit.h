// SPDX-License-Identifier: GPL-2.0-or-later
// CommitDriver: carries the running transaction to the disk.
#pragma once

#include <vector>

#include "core/transaction/filesystem.h"
#include "core/transaction/run_delayed_refs.h"
#include "core/transaction/transaction.h"

namespace butterfuse {

// One commit, by the thread that has the gate's turn.
//
// Phase 1, alone: joins wait, all handles are gone. The hook writes what it holds; queued references, block
// group items and ROOT_ITEMs chase each other until nothing changes; the superblock is made, in memory.
// Phase 2, beside the next transaction: tree blocks are written, flush, superblock mirror 0, flush, the other
// mirrors. A crash before the first superblock write leaves the last commit; a torn superblock fails its
// checksum, and the other mirrors are of this commit or the last. Space freed by this transaction is given
// out again only after phase 2.
//
// An error in either phase turns the file system read-only; no superblock is written after it.
class CommitDriver {
 public:
  explicit CommitDriver(Filesystem& filesystem) : filesystem_(filesystem) {}
  Status run(bool flush_when_unchanged);

 private:
  Status commit(bool flush_when_unchanged);
  Status close_transaction(const std::shared_ptr<Transaction>& transaction);
  Status call_hook(TransactionHandle& handle);
  Status settle_trees(TransactionHandle& handle, Transaction& transaction);
  Status mark_quotas_stale(TransactionHandle& handle);
  Status touch_root_tree(TransactionHandle& handle);
  bool unchanged(Transaction& transaction);
  void run_refs_early();
  RefRunner make_runner(TransactionHandle& handle, Transaction& transaction);
  void make_super(uint64_t transid);
  Status write_out(uint64_t transid);

  Filesystem& filesystem_;
  bool changed_ = false;
  std::vector<TreeBlockRef> blocks_;
};

}  // namespace butterfuse
