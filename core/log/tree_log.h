// SPDX-License-Identifier: GPL-2.0-or-later
// TreeLog: the log trees of the running transaction, in memory and on disk.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/base/mutex.h"
#include "core/log/log_space.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

// Log trees are changed under mutex() by holders of a transaction handle, then synced: their blocks are
// written, the device flushed, and the last commit's superblock written once more with log_root. Syncs of
// several threads share one such round. The log ends with its transaction (after_commit).
//
// A crash before the superblock leaves the log as it was synced before; blocks that that one reaches are not
// touched. A failed write turns the file system read-only.
class TreeLog {
 public:
  explicit TreeLog(Filesystem& filesystem);
  TreeLog(const TreeLog&) = delete;

  Mutex& mutex() { return mutex_; }

  // ---- REQUIRES mutex(), and a handle of `transid`, whose predecessor is committed ----
  void start(uint64_t transid) BF_REQUIRES(mutex_);
  // The log tree of a subvolume, made on first use.
  Result<Tree*> tree_of(uint64_t root_id) BF_REQUIRES(mutex_);
  LogSpace& space() BF_REQUIRES(mutex_) { return space_; }
  // A change is complete. The number to sync up to.
  uint64_t note_change() BF_REQUIRES(mutex_) { return ++changes_; }
  // A change stopped half-way: nothing can be logged any more in this transaction.
  void give_up() BF_REQUIRES(mutex_) { broken_ = true; }
  bool broken() const BF_REQUIRES(mutex_) { return broken_; }

  // True: all changes up to this number are on stable storage. False: the log was given up meanwhile.
  // REQUIRES a handle of the transaction they were made in. An error is one of writing, and the file system
  // is read-only by then.
  Result<bool> sync(TransactionHandle& handle, uint64_t change) BF_EXCLUDES(mutex_);
  // The log's transaction is committed: all its space is free.
  void after_commit() BF_EXCLUDES(mutex_);

 private:
  struct Round {  // one sync under way
    uint64_t change = 0;
    TreeRootPointer root;
    std::vector<TreeBlockRef> blocks;
    std::vector<uint64_t> retired;
  };
  struct SubvolumeLog {
    std::unique_ptr<Tree> tree;
    TreeRootPointer recorded;  // in the log root tree
  };
  Result<TreeRootPointer> new_root() BF_REQUIRES(mutex_);
  Status record_roots() BF_REQUIRES(mutex_);
  Status record_root(uint64_t root_id, SubvolumeLog& log) BF_REQUIRES(mutex_);
  enum class Turn { mine, already_synced, given_up };
  // What a round has to write. After an error the log must be given up.
  Status fill(Round& round) BF_REQUIRES(mutex_);
  Turn begin_round(uint64_t change, Round& round) BF_EXCLUDES(mutex_);
  Status write_round(TransactionHandle& handle, const Round& round);
  void end_round(const Round& round, const Status& status) BF_EXCLUDES(mutex_);

  Filesystem& filesystem_;
  Mutex mutex_;
  CondVar round_ended_;
  LogSpace space_ BF_GUARDED_BY(mutex_);
  // Blocks of the log are not in the file system's cache, whose dirty blocks the commit writes.
  std::unique_ptr<TreeBlockCache> cache_ BF_GUARDED_BY(mutex_);
  std::unique_ptr<Tree> roots_ BF_GUARDED_BY(mutex_);
  std::map<uint64_t, SubvolumeLog> logs_ BF_GUARDED_BY(mutex_);
  bool broken_ BF_GUARDED_BY(mutex_) = false;
  bool writing_ BF_GUARDED_BY(mutex_) = false;
  uint64_t changes_ BF_GUARDED_BY(mutex_) = 0;
  uint64_t synced_ BF_GUARDED_BY(mutex_) = 0;  // changes up to here are on disk
};

}  // namespace butterfuse
