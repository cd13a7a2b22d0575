// SPDX-License-Identifier: GPL-2.0-or-later
// Filesystem::State: what an open file system consists of besides volume, cache and allocator.
#pragma once

#include "core/transaction/commit_thread.h"
#include "core/transaction/filesystem.h"
#include "core/transaction/run_delayed_refs.h"
#include "core/transaction/transaction_gate.h"
#include "core/transaction/tree_table.h"

namespace butterfuse {

struct Filesystem::State {
  // Constant after open.
  FilesystemOptions options;
  std::unique_ptr<Tree> chunk_tree;
  std::unique_ptr<Tree> root_tree;
  std::unique_ptr<TreeTable> trees;
  Tree* extent_tree = nullptr;
  Tree* csum_tree = nullptr;
  Tree* dev_tree = nullptr;
  Tree* fs_tree = nullptr;
  Tree* free_space_tree = nullptr;
  Tree* block_group_tree = nullptr;
  Tree* uuid_tree = nullptr;
  Tree* quota_tree = nullptr;
  std::unique_ptr<TransactionGate> gate;

  // Whoever has the gate's turn to commit.
  DiskSuper super;                         // of the last commit, on its way to become that of the next
  std::atomic<bool> supers_mended{false};  // since it was opened: see mend_supers_once
  bool space_caches_current = false;       // the old space caches that are not given up are right
  bool quota_marked = false;               // the qgroup numbers are already marked as stale
  bool uuid_tree_current = false;          // the uuid tree is kept complete: its generation follows

  std::atomic<bool> log_on_disk{false};  // the superblock on disk names a log of the running transaction
  std::atomic<uint64_t> incompat{0};     // of the next superblock
  mutable Mutex label_mutex;
  std::string label BF_GUARDED_BY(label_mutex);  // of the next superblock
  Mutex hook_mutex;                              // held while the hook runs
  CommitHook* hook BF_GUARDED_BY(hook_mutex) = nullptr;
  // For what the hook is asked while handles run, without the mutex.
  CommitHook* current_hook() {
    MutexLock lock(hook_mutex);
    return hook;
  }
  std::atomic<bool> closed{false};
  std::unique_ptr<CommitThread> commit_thread;  // last: stops first
};

}  // namespace butterfuse
