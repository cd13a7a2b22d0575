// SPDX-License-Identifier: GPL-2.0-or-later
// ChangeNotes: what the running transaction changed, so that an fsync knows what to log.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/base/mutex.h"
#include "core/extent/range_set.h"
#include "core/transaction/filesystem.h"
#include "fs/durability/name_changes.h"

namespace butterfuse {

// Thread-safe: one leaf lock. Notes of an older transaction go with the first one of the next. Bounded: what
// is too much to note is as if require_commit() had been called.
class ChangeNotes {
 public:
  // Inside the transaction that changes the names.
  void name_added(TransactionHandle& handle, const InodeKey& dir, uint64_t index, const InodeKey& child);
  void name_removed(TransactionHandle& handle, const InodeKey& dir, uint64_t index, const std::string& name,
                    const InodeKey& child, bool is_dir);
  // Something happens that no log can tell: until the next commit every fsync is one.
  void require_commit(TransactionHandle& handle);
  void extents_changed(const InodeKey& key, ByteRange range, uint64_t transid);

  // Calls f(NameChanges&) with those of the handle's transaction.
  template <class F>
  auto with_names(const TransactionHandle& handle, F&& f) BF_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    are_of(handle.transid());
    return f(names_);
  }
  // Where a file's extents changed since the last call. Nothing: in too many places for a log.
  std::optional<RangeSet> take_changed_extents(const InodeKey& key);

 private:
  struct ChangedExtents {
    RangeSet ranges;
    bool too_many = false;  // `ranges` is empty then
  };
  void are_of(uint64_t transid) BF_REQUIRES(mutex_);

  Mutex mutex_;
  uint64_t transid_ BF_GUARDED_BY(mutex_) = 0;
  NameChanges names_ BF_GUARDED_BY(mutex_);
  std::map<InodeKey, ChangedExtents> extents_ BF_GUARDED_BY(mutex_);  // changed and not logged
  size_t ranges_ BF_GUARDED_BY(mutex_) = 0;                           // in all of them
};

}  // namespace butterfuse
