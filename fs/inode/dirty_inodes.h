// SPDX-License-Identifier: GPL-2.0-or-later
// DirtyInodes: the inodes whose items the next commit has to write.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "core/base/mutex.h"
#include "core/transaction/filesystem.h"
#include "fs/inode/subvolume.h"

namespace butterfuse {

// What an inode is to a commit.
class DirtyInode : public std::enable_shared_from_this<DirtyInode> {
 public:
  virtual ~DirtyInode() = default;
  virtual InodeKey key() const = 0;
  // Writes the item if it changed since.
  virtual Status write_if_dirty(TransactionHandle& handle) = 0;
};

// Thread-safe. The list keeps its inodes in memory, so that no change is lost with its object.
//
// Writing an item takes a leaf, and the commit has no reservation for leaves that nobody paid for. So
// add() says which items owe one, and they are counted in the commit's debt, a tree at a time, until the
// hook has written them.
class DirtyInodes {
 public:
  explicit DirtyInodes(Filesystem& filesystem) : filesystem_(filesystem) {}
  ~DirtyInodes();

  // How many may wait for a commit. Before the first request.
  void set_limit(uint64_t inodes) { limit_ = inodes; }
  // What changed keeps its inode in memory until a commit: asks for one where there are many, waits for it
  // where there are twice as many. Hold no lock and no handle.
  Status make_room();

  // The next commit writes this inode's item. (A change that is not remembered would be lost: without memory
  // the process ends here.) `owes_leaf`: the commit will copy a leaf for it.
  void add(DirtyInode& inode, bool owes_leaf) noexcept;
  // Called by the commit's hook.
  Status write(TransactionHandle& handle);
  // The transaction whose commit has last begun to write inodes: who gets dirty from then on waits for
  // the next.
  uint64_t hook_transid() const { return hook_transid_; }
  // Ends inodes that the hook had in hand last: it must not wait for what they wait for. Cheap; called when
  // no transaction handle is held.
  void release_written();
  // Forgets those that wait: their changes are lost.
  void discard();

 private:
  using List = std::vector<std::shared_ptr<DirtyInode>>;

  Filesystem& filesystem_;
  Mutex mutex_;
  List dirty_ BF_GUARDED_BY(mutex_);
  List written_ BF_GUARDED_BY(mutex_);  // by the hook, perhaps out of the table
  // By tree, counted in the commit's debt.
  std::map<uint64_t, int64_t> owed_leaves_ BF_GUARDED_BY(mutex_);
  std::atomic<uint64_t> count_{0};  // of dirty_
  std::atomic<bool> have_written_{false};
  std::atomic<uint64_t> hook_transid_{0};
  uint64_t limit_ = UINT64_MAX;
};

}  // namespace butterfuse
