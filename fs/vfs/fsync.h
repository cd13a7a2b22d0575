// Fsync: makes one inode durable, through the log where that is enough, else by a commit.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "core/extent/range_set.h"
#include "core/log/tree_log.h"
#include "fs/vfs/file.h"
#include "fs/vfs/name_changes.h"

namespace butterfuse {

class LogSession;

// What the mount remembers of the running transaction so that an fsync knows what to log. Thread-safe.
//
// Lock order: an inode's data lock, name-space lock, the file's items lock, transaction handle, the log's
// mutex, tree locks, notes_mutex_.
class FsyncLog final : public TransactionObserver {
 public:
  explicit FsyncLog(Mount& mount);

  // All that was done to the inode before the call is on stable storage when it returns without error. Its
  // data must be written back.
  Status sync(Inode& inode);

  // Inside the transaction that changes the names.
  void note_name_added(TransactionHandle& handle, const Inode& dir, uint64_t index, const Inode& child);
  void note_name_removed(TransactionHandle& handle, const Inode& dir, uint64_t index, const std::string& name,
                         const Inode& child);
  // Something happens that no log can tell: until the next commit every fsync is one.
  void require_commit(TransactionHandle& handle);

  void file_extents_changed(uint64_t root_id, uint64_t ino, ByteRange range, uint64_t transid) override;
  void after_commit(uint64_t transid) override;

 private:
  friend class LogSession;
  struct LoggedInode {
    bool is_new = false;     // the last commit does not have it
    bool has_data = false;   // extents or entries too, not only so that it exists
    bool lost_name = false;  // one that the last commit has
    uint64_t size = 0;       // in the log
  };
  enum class Outcome { synced, needs_commit };
  Result<Outcome> sync_by_log(Inode& inode);
  Result<Outcome> log_and_sync(Inode& inode, Reservation metadata);
  void notes_are_of(uint64_t transid) BF_REQUIRES(notes_mutex_);
  RangeSet take_changed_extents(const InodeKey& key);

  Mount& mount_;
  Filesystem& filesystem_;
  TreeLog log_;
  std::map<InodeKey, LoggedInode> logged_;  // guarded by log_.mutex()

  Mutex notes_mutex_;
  uint64_t notes_transid_ BF_GUARDED_BY(notes_mutex_) = 0;
  NameChanges names_ BF_GUARDED_BY(notes_mutex_);
  std::map<InodeKey, RangeSet> extents_ BF_GUARDED_BY(notes_mutex_);  // changed and not logged
};

}  // namespace butterfuse
