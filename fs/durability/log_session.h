// SPDX-License-Identifier: GPL-2.0-or-later
// LogSession: decides what an fsync of one inode has to put into the log, and puts it there.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "core/log/log_writer.h"
#include "core/log/tree_log.h"
#include "fs/durability/change_notes.h"
#include "fs/durability/logged_inodes.h"
#include "fs/inode/inode_table.h"

namespace butterfuse {

// What a session works on.
struct LogParts {
  Filesystem& filesystem;
  InodeTable& inodes;
  TreeLog& log;
  ChangeNotes& notes;
  LoggedInodes& logged;
};

// A log is replayed over the last commit (C). It must lead to a state in which every inode that is
// in the log, and every inode of C that still exists, keeps a name. A replay takes a name away
// from an inode of C when
//  - a logged reference or entry has the same name,
//  - the inode is logged and has no such reference in that directory,
//  - the directory's log says that the index is gone.
//
// Where that would hit an inode that lives on under a name the log does not tell of, the answer is a commit.
// Nor may a name that another inode took over be left to nobody, or fall back to whom it belonged in C.
//
// REQUIRES for its life: the log's mutex, the name-space lock exclusive, a handle, and of the inode to log
// its data lock (shared) and its items lock.
class LogSession {
 public:
  // Inodes it had to look up are put into `pins`, which must outlive all these locks.
  LogSession(const LogParts& parts, TransactionHandle& handle, std::vector<InodePtr>& pins)
      : parts_(parts), handle_(handle), pins_(pins) {}

  // False: the log can't tell it. On an error the log is unusable.
  Result<bool> log(Inode& inode);

 private:
  Result<bool> catch_up();
  // Names of an inode that the log has, as they are now.
  Result<bool> catch_up_names(const InodeKey& key, LoggedInode& logged);
  void queue_directory(const InodeKey& key);
  Result<bool> log_file(Inode& inode);
  Result<bool> log_extents(Inode& inode, uint64_t size);
  Result<bool> log_directories();
  Result<bool> log_entries(Inode& dir);
  Result<bool> log_child_file(const InodeKey& key);
  // What an entry leads to must be there in a replay: a file comes with its data, a new inode is logged, one
  // of C has its names checked. A directory of C that was moved here, and a subvolume, no log can tell.
  Result<bool> log_child(Inode& dir, const DirEntry& entry);
  // Recursive by log_parents: a new inode in a new directory in a new one. Up to kDepthMax.
  Result<bool> log_existence(const InodeKey& key);
  Result<bool> log_one_existence(const InodeKey& key);
  // INODE_ITEM, references, xattrs; and directories that a reference needs.
  Result<bool> log_inode(Inode& inode, const InodeItem& item);
  Result<bool> log_parents(const InodeKey& key, const std::vector<InodeRef>& refs);
  // Whether a replay of these references leaves everybody a name.
  Result<bool> names_are_safe(const InodeKey& key, const std::vector<InodeRef>& refs, bool is_new,
                              bool is_dir);
  // Whether a replay may take away the names that the inode had, in the last commit or in the log.
  Result<bool> losses_are_safe(const InodeKey& key, const std::vector<InodeRef>& refs);
  Result<bool> removals_are_safe(const InodeKey& dir);

  bool lost_name(const InodeKey& key);
  bool is_new(uint64_t generation) const { return generation == handle_.transid(); }
  Result<uint64_t> generation_of(const InodeKey& key);
  Result<Tree*> tree_of(uint64_t root_id);
  Result<LogWriter> writer_of(uint64_t root_id);
  template <class F>
  auto with_names(F&& f) {
    return parts_.notes.with_names(handle_, std::forward<F>(f));
  }

  const LogParts parts_;
  TransactionHandle& handle_;
  std::vector<InodePtr>& pins_;
  std::deque<InodeKey> directories_;  // whose entries are to be logged
  std::set<InodeKey> seen_;           // directories that were in that queue
  InodeKey current_;                  // what the fsync is of
  size_t inodes_ = 0;                 // logged in this session
  int depth_ = 0;                     // of log_existence
};

}  // namespace butterfuse
