// Fsync: the front, the rounds it takes, and the notes of the running transaction.
#include "fs/vfs/fsync.h"

#include "fs/vfs/log_session.h"

namespace butterfuse {
namespace {

constexpr uint64_t kRangeUnit = 1u << 20;  // RangeSet counts in it; not used here
constexpr uint64_t kRangeEndMax = uint64_t{1} << 63;
constexpr size_t kRangesMax = 256;  // of one file; more become one
constexpr size_t kChangedFilesMax = 100'000;
constexpr uint64_t kBlocksReserved = 64;
constexpr int kTries = 3;

}  // namespace

FsyncLog::FsyncLog(Mount& mount) : mount_(mount), filesystem_(mount.filesystem()), log_(filesystem_) {}

Status FsyncLog::sync(Inode& inode) {
  for (int tries = 0; mount_.options().tree_log && tries < kTries; ++tries) {
    filesystem_.wait_for_commit_under_way();
    if (inode.is_committed()) return {};
    BF_ASSIGN(const Outcome outcome, sync_by_log(inode));
    if (outcome == Outcome::synced) return {};
    if (filesystem_.last_committed() + 1 == filesystem_.running_transid())
      break;  // no commit came in between
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
  std::vector<InodePtr> pins;
  std::optional<TransactionHandle> handle;  // until the log is on disk: no commit comes in between
  uint64_t change = 0;
  {
    Mutex no_items;
    FileData* data = inode.data_if_any();
    ReaderLock contents(inode.data_lock());
    WriterLock names(mount_.namespace_lock());
    MutexLock items(data != nullptr ? data->items_mutex() : no_items);
    BF_ASSIGN(TransactionHandle joined, filesystem_.begin_reserved(std::move(metadata)));
    handle.emplace(std::move(joined));
    if (filesystem_.last_committed() + 1 != handle->transid()) return Outcome::needs_commit;
    MutexLock log(log_.mutex());
    if (log_.broken()) return Outcome::needs_commit;
    log_.start(handle->transid());
    auto logged = LogSession(*this, *handle, pins).log(inode);
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

namespace {

// Whoever asks for durability may be on a mount that never writes, which is as it should be; one that had to
// stop writing has failed him.
Status failed_to_sync(const Error& error) {
  return make_error(error.code == EROFS ? EIO : error.code, "{}", error.message);
}

Status sync_inode(Mount& mount, Inode& inode) {
  if (mount.is_shut_down()) return make_error(EIO, "the file system was shut down");
  if (inode.is_placeholder() || inode.is_committed()) return {};
  return mount.fsync_log().sync(inode);
}

}  // namespace

Status sync_file(Mount& mount, OpenFile& file) {
  Inode& inode = *file.inode;
  if (mount.options().read_only) return {};
  if (FileData* data = inode.data_if_any()) (void)data->flush({0, UINT64_MAX}, true);
  Status status = flush_file(file);  // tells errors, of now and before, once
  if (status) status = sync_inode(mount, inode);
  return status ? Status{} : failed_to_sync(status.error());
}

Status sync_directory(Mount& mount, Inode& dir) {
  if (mount.options().read_only) return {};
  const Status status = sync_inode(mount, dir);
  return status ? Status{} : failed_to_sync(status.error());
}

// ---- notes

void FsyncLog::notes_are_of(uint64_t transid) {
  if (notes_transid_ == transid) return;
  notes_transid_ = transid;
  names_.clear();
  extents_.clear();
}

void FsyncLog::note_name_added(TransactionHandle& handle, const Inode& dir, uint64_t index,
                               const Inode& child) {
  MutexLock lock(notes_mutex_);
  notes_are_of(handle.transid());
  names_.add(dir.key(), index, child.key());
}

void FsyncLog::note_name_removed(TransactionHandle& handle, const Inode& dir, uint64_t index,
                                 const std::string& name, const Inode& child) {
  MutexLock lock(notes_mutex_);
  notes_are_of(handle.transid());
  names_.remove(dir.key(), index, name, child.key(), child.is_dir());
}

void FsyncLog::require_commit(TransactionHandle& handle) {
  MutexLock lock(notes_mutex_);
  notes_are_of(handle.transid());
  names_.overflow();
}

void FsyncLog::file_extents_changed(uint64_t root_id, uint64_t ino, ByteRange range, uint64_t transid) {
  range = {std::min(range.start, kRangeEndMax), std::min(range.end, kRangeEndMax)};
  if (range.empty()) return;
  MutexLock lock(notes_mutex_);
  notes_are_of(transid);
  if (names_.overflown()) return;
  RangeSet& ranges = extents_.try_emplace({root_id, ino}, kRangeUnit).first->second;
  ranges.add(range);
  if (ranges.units() > kRangesMax && ranges.ranges().size() > kRangesMax)
    ranges.add({ranges.first(), ranges.ranges().back().end});
  if (extents_.size() <= kChangedFilesMax) return;
  names_.overflow();
  extents_.clear();
}

RangeSet FsyncLog::take_changed_extents(const InodeKey& key) {
  MutexLock lock(notes_mutex_);
  auto node = extents_.extract(key);
  return node ? std::move(node.mapped()) : RangeSet(kRangeUnit);
}

void FsyncLog::after_commit(uint64_t) {
  {
    MutexLock lock(log_.mutex());
    logged_.clear();
  }
  log_.after_commit();
}

}  // namespace butterfuse
