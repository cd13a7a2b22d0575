// SPDX-License-Identifier: GPL-2.0-or-later
// Fsync: makes one inode durable, through the log where that is enough, else by a commit.
#pragma once

#include "core/log/tree_log.h"
#include "fs/durability/change_notes.h"
#include "fs/durability/logged_inodes.h"
#include "fs/inode/inode_table.h"

namespace butterfuse {

// Thread-safe.
//
// Lock order: an inode's data lock, name-space lock, the file's items lock, transaction handle, the log's
// mutex, tree locks, the lock of the notes.
class FsyncLog final : public TransactionObserver {
 public:
  FsyncLog(MountState& mount, InodeTable& inodes);

  // All that was done to the inode before the call is on stable storage when it returns without error. Its
  // data must be written back. Hold none of these locks.
  Status sync(Inode& inode);
  ChangeNotes& notes() { return notes_; }

  void file_extents_changed(uint64_t root_id, uint64_t ino, ByteRange range, uint64_t transid) override {
    notes_.extents_changed({root_id, ino}, range, transid);
  }
  void after_commit(uint64_t transid) override;

 private:
  enum class Outcome { synced, needs_commit };
  Result<Outcome> sync_by_log(Inode& inode);
  Result<Outcome> log_and_sync(Inode& inode, Reservation metadata);

  MountState& mount_;
  InodeTable& inodes_;
  Filesystem& filesystem_;
  TreeLog log_;
  LoggedInodes logged_;  // guarded by log_.mutex()
  ChangeNotes notes_;
};

// What fsync(2) answers: whoever asks for durability may be on a mount that never writes, which is as it
// should be; one that had to stop writing has failed him: EIO for EROFS.
Status told_by_fsync(Status status);

}  // namespace butterfuse
