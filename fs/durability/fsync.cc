// SPDX-License-Identifier: GPL-2.0-or-later
// Fsync: the front, and the rounds it takes.
//
// Three answers to "is it durable?", cheapest first: it is already, by a commit; a log can tell it; a commit
// of all. A log belongs to one transaction and is replayed over the commit before: so no commit may come
// between deciding what to log and the log's superblock. The handle sees to that, which is held until the log
// is on disk.
//
// The order of locks is that of operations (fs/mount). Items must not change while they are copied, names not
// while it is decided what becomes of them: these locks go as soon as the log is complete in memory. Writing
// it takes the handle alone, and several fsyncs share a round.
#include "fs/durability/fsync.h"

#include "fs/durability/log_session.h"

namespace butterfuse {
namespace {

// Of tree blocks: 1 MiB where they have 16 KiB. Enough for most fsyncs, little enough to be had on a full
// file system; a log may take more, as long as the commit still fits (LogSpace).
constexpr uint64_t kBlocksReserved = 64;
constexpr int kTries = 3;  // the next one only when a commit came in between; then a commit of one's own

}  // namespace

FsyncLog::FsyncLog(MountState& mount, InodeTable& inodes)
    : mount_(mount), inodes_(inodes), filesystem_(*mount.filesystem), log_(filesystem_) {}

Status FsyncLog::sync(Inode& inode) {
  for (int tries = 0; mount_.options.tree_log && tries < kTries; ++tries) {
    filesystem_.wait_for_commit_under_way();
    if (inode.is_committed()) return {};
    BF_ASSIGN(const Outcome outcome, sync_by_log(inode));
    if (outcome == Outcome::synced) return {};
    // No commit came in between.
    if (filesystem_.last_committed() + 1 == filesystem_.running_transid()) break;
  }
  if (inode.is_committed()) return {};
  return filesystem_.commit();
}

Result<FsyncLog::Outcome> FsyncLog::sync_by_log(Inode& inode) {
  auto& allocator = filesystem_.allocator();
  auto metadata =
      allocator.reserve_metadata(kBlocksReserved * filesystem_.volume().nodesize(), objectid::kTreeLog);
  if (!metadata) return Outcome::needs_commit;
  return log_and_sync(inode, std::move(*metadata));
}

Result<FsyncLog::Outcome> FsyncLog::log_and_sync(Inode& inode, Reservation metadata) {
  // First, so that they end last: the end of one may delete an inode, by transactions.
  std::vector<InodePtr> pins;
  std::optional<TransactionHandle> handle;  // until the log is on disk: no commit comes in between
  uint64_t change = 0;
  {
    // Stands in where there is no data.
    Mutex no_items;
    FileData* data = inode.data_if_any();
    ReaderLock contents(inode.data_lock());
    WriterLock names(mount_.namespace_lock);
    MutexLock items(data != nullptr ? data->items_mutex() : no_items);
    BF_ASSIGN(TransactionHandle joined, filesystem_.begin_reserved(std::move(metadata)));
    handle.emplace(std::move(joined));
    if (filesystem_.last_committed() + 1 != handle->transid()) return Outcome::needs_commit;
    MutexLock log(log_.mutex());
    if (log_.broken()) return Outcome::needs_commit;
    log_.start(handle->transid());
    auto logged = LogSession({filesystem_, inodes_, log_, notes_, logged_}, *handle, pins).log(inode);
    if (!logged || !*logged) {
      log_.give_up();
      return Outcome::needs_commit;
    }
    change = log_.note_change();
  }
  BF_ASSIGN(const bool synced, log_.sync(*handle, change));
  // A device that missed the log could be believed at the next start: only a commit makes it stale.
  return synced && !filesystem_.volume().writes_failed() ? Outcome::synced : Outcome::needs_commit;
}

Status told_by_fsync(Status status) {
  if (status || status.error().code != EROFS) return status;
  return make_error(EIO, "{}", status.error().message);
}

void FsyncLog::after_commit(uint64_t) {
  {
    MutexLock lock(log_.mutex());
    logged_.clear();
  }
  log_.after_commit();
}

}  // namespace butterfuse
