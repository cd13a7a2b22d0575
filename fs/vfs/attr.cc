// Attributes: stat, and setattr's rules.
#include "fs/vfs/attr.h"

#include <utility>

#include "core/items/file_extent.h"
#include "fs/vfs/clock.h"
#include "fs/vfs/create.h"
#include "fs/vfs/file_extents.h"
#include "fs/vfs/names.h"
#include "fs/vfs/xattr.h"

namespace butterfuse {
namespace {

constexpr uint32_t kTruncateItems = 8;
constexpr uint32_t kGrowItems = 2;
constexpr uint32_t kExtentsPerStep = 32;

timespec to_timespec(const Timespec& time) { return {time.sec, static_cast<long>(time.nsec)}; }

// Where files need explicit hole items, none may be missing below the size. REQUIRES no writeback of this
// inode going on.
Status cover_end(TransactionHandle& handle, Inode& inode, uint64_t size) {
  return fill_gaps_before(inode.tree(), handle, inode.ino(), round_up(size, kSectorSize),
                          inode.has_prealloc());
}

// Where cover_end will look for the last extent, all of them must be in the tree first; what can't be written
// leaves holes there, and is fsync's to tell.
void put_extents_into_tree(Mount& mount, Inode& inode) {
  if (!mount.filesystem().has_incompat(incompat::kNoHoles)) (void)inode.data().flush({0, UINT64_MAX}, true);
}

// One bounded cut of the tree items behind `size`; true when done.
Result<bool> shrink_step(Mount& mount, Inode& inode, uint64_t size, Reservation metadata) {
  MutexLock items(inode.data().items_mutex());
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_reserved(std::move(metadata)));
  auto step = truncate_file_extents(inode.tree(), handle, inode.ino(), size, kExtentsPerStep);
  if (!step) {
    handle.abort(step.error());
    return tl::unexpected(std::move(step).error());
  }
  if (step->done) BF_TRY(or_abort(handle, cover_end(handle, inode, size)));
  FileData& data = inode.data();
  data.lower_disk_size(std::max(step->new_end, size));
  if (step->done) data.raise_disk_size();
  inode.change([&](InodeItem& item) { item.nbytes -= step->nbytes_dropped; });
  BF_TRY(or_abort(handle, inode.save(handle)));
  return step->done;
}

Status cut_items(Mount& mount, Inode& inode, uint64_t size, Reservation metadata) {
  for (;;) {
    BF_ASSIGN(const bool done, shrink_step(mount, inode, size, std::move(metadata)));
    if (done) return {};
    BF_ASSIGN(metadata, mount.filesystem().reserve_metadata_freeing(kTruncateItems, inode.root_id()));
  }
}

// Nothing goes before there is room for the first step. If a later one fails, the file ends where its extents
// do.
Status shrink(Mount& mount, Inode& inode, uint64_t size) {
  BF_ASSIGN(Reservation metadata,
            mount.filesystem().reserve_metadata_freeing(kTruncateItems, inode.root_id()));
  BF_TRY(inode.data().truncate_pages(size));
  put_extents_into_tree(mount, inode);
  Status cut = cut_items(mount, inode, size, std::move(metadata));
  if (!cut) inode.data().extend(inode.data().disk_size());
  return cut;
}

Status grow(Mount& mount, Inode& inode, uint64_t size) {
  BF_TRY(drop_behind_size(mount, inode));
  BF_ASSIGN(Reservation metadata, mount.filesystem().reserve_metadata(kGrowItems, inode.root_id()));
  BF_TRY(inode.data().zero_old_end());
  put_extents_into_tree(mount, inode);
  MutexLock items(inode.data().items_mutex());
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_reserved(std::move(metadata)));
  BF_TRY(or_abort(handle, cover_end(handle, inode, size)));
  inode.data().extend(size);
  return or_abort(handle, inode.save(handle));
}

// How many bytes of `ranges` lie where the file has no extent: writeback will add them to nbytes.
uint64_t bytes_in_holes(Inode& inode, const std::vector<ByteRange>& ranges, uint64_t nbytes) {
  uint64_t all = 0, bytes = 0;
  for (const ByteRange range : ranges) all += range.length();
  if (nbytes == 0) return all;
  for (const ByteRange range : ranges) {
    const Status walked =
        for_each_file_extent(inode.tree(), inode.ino(), range, [&](const FileExtent& extent) {
          const ByteRange hole{round_up(extent.start, kSectorSize), extent.end()};
          if (extent.kind == ExtentKind::hole) bytes += hole.intersection(range).length();
          return true;
        });
    if (!walked) return all;
  }
  return bytes;
}

// What the file's data takes, as if all of it were written back: st_blocks must not fall meanwhile, for
// programs take a file whose blocks are fewer than its size for one with holes.
uint64_t stored_bytes(Inode& inode) {
  FileData* const data = inode.data_if_any();
  if (data == nullptr || !data->has_dirty_or_ordered()) return round_up(inode.item().nbytes, kSectorSize);
  uint64_t bytes = 0;
  data->with_pending([&](const std::vector<ByteRange>& pending) {
    const uint64_t nbytes = inode.item().nbytes;
    bytes = round_up(nbytes, kSectorSize) + bytes_in_holes(inode, pending, nbytes);
  });
  return bytes;
}

// Who may write to a file may set both its times to now, and to an append-only file one may still write.
bool is_touch(const AttrChange& change) {
  return change.times_are_now && !change.mode && !change.uid && !change.gid && !change.size;
}

Status check_change(Mount& mount, Inode& inode, const AttrChange& change) {
  BF_TRY(mount.check_writable(inode));
  BF_TRY(is_touch(change) ? check_can_be_added_to(inode) : check_not_immutable(inode));
  if (is_touch(change) && change.by_stranger) BF_TRY(check_not_readonly(inode));  // it takes the right to write
  if (!change.size) return {};
  if (inode.is_dir()) return make_error(EISDIR, "size of directory {}", inode.ino());
  if (!inode.is_regular())
    return make_error(EINVAL, "size of inode {}, which is no regular file", inode.ino());
  BF_TRY(check_content_may_change(inode));
  if (*change.size > kFileSizeMax) return make_error(EFBIG, "size {} is too big", *change.size);
  return inode.load_properties();
}

Result<AttrChange> with_stored_owners(const Mount& mount, const Inode& inode, AttrChange change) {
  const InodeItem item = inode.item();
  if (change.uid) {
    BF_ASSIGN(change.uid, mount.options().uids.of_chown(*change.uid, item.uid));
  }
  if (change.gid) {
    BF_ASSIGN(change.gid, mount.options().gids.of_chown(*change.gid, item.gid));
  }
  return change;
}

void apply_times(InodeItem& item, const AttrChange& change) {
  if (change.atime) item.atime = *change.atime;
  if (change.mtime) item.mtime = *change.mtime;
  item.ctime = change.ctime.value_or(current_time());
  ++item.sequence;
}

void apply(InodeItem& item, const AttrChange& change) {
  if (change.mode) item.mode = (item.mode & S_IFMT) | (*change.mode & ~uint32_t{S_IFMT});
  if (change.uid) item.uid = *change.uid;
  if (change.gid) item.gid = *change.gid;
  apply_times(item, change);
}

Status change_item(Mount& mount, Inode& inode, const AttrChange& change) {
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin(1, inode.root_id()));
  inode.change([&](InodeItem& item) { apply(item, change); });
  return or_abort(handle, inode.save(handle));
}

// The access control list follows the mode.
Status change_mode(Mount& mount, Inode& inode, const AttrChange& change) {
  BF_TRY(inode.load_properties());
  if (!inode.has(KnownXattr::access_acl)) return change_item(mount, inode, change);
  WriterLock names(inode.names_lock());
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin(2, inode.root_id()));
  BF_TRY(update_acl_mode(handle, inode, *change.mode));
  inode.change([&](InodeItem& item) { apply(item, change); });
  return or_abort(handle, inode.save(handle));
}

// Asked for the size that is there, truncate(2) leaves the times; ftruncate(2) and open(2) name them.
Status change_size(Mount& mount, Inode& inode, const AttrChange& change) {
  {
    WriterLock lock(inode.data_lock());
    const bool is_new = *change.size != inode.data().size();
    BF_TRY(truncate(mount, inode, *change.size));
    if (!is_new && !change.atime && !change.mtime && !change.ctime) return {};
  }
  inode.change([&](InodeItem& item) { apply_times(item, change); });
  inode.mark_dirty();
  return {};
}

bool tracks_atime(Mount& mount, const Inode& inode) {
  const MountOptions& options = mount.options();
  if (options.atime == AtimeMode::noatime || (inode.is_dir() && options.nodiratime)) return false;
  return mount.check_writable(inode).has_value();
}

bool is_due(AtimeMode mode, const InodeItem& item, const Timespec& now) {
  constexpr int64_t kDay = 24 * 60 * 60;
  if (item.flags & inode_flag::kNoAtime) return false;
  if (mode == AtimeMode::strictatime) return true;
  return item.atime <= item.mtime || item.atime <= item.ctime || now.sec - item.atime.sec >= kDay;
}

}  // namespace

struct stat get_attr(Mount& mount, Inode& inode) {
  const InodeItem item = inode.item();
  const uint64_t sector = mount.filesystem().sectorsize();
  struct stat attr {};
  attr.st_ino = mount.node_ids().ino_of(inode.key());
  attr.st_mode = item.mode & ~mount.options().hidden_mode;
  attr.st_nlink = item.nlink;
  attr.st_uid = mount.options().uids.to_shown(item.uid);
  attr.st_gid = mount.options().gids.to_shown(item.gid);
  attr.st_rdev = decode_rdev(item.rdev);
  attr.st_size = static_cast<off_t>(item.size);
  attr.st_blksize = static_cast<blksize_t>(sector);
  attr.st_blocks = static_cast<blkcnt_t>(stored_bytes(inode) / 512);
  attr.st_atim = to_timespec(item.atime);
  attr.st_mtim = to_timespec(item.mtime);
  attr.st_ctim = to_timespec(item.ctime);
  return attr;
}

Status truncate(Mount& mount, Inode& inode, uint64_t size) {
  const uint64_t old_size = inode.data().size();
  if (size == old_size) return inode.has_prealloc() ? shrink(mount, inode, size) : Status{};
  BF_TRY(size < old_size ? shrink(mount, inode, size) : grow(mount, inode, size));
  if (size == 0) inode.note_emptied();
  note_modified(inode);
  return {};
}

void note_modified(Inode& inode) {
  inode.change([&](InodeItem& item) {
    item.mtime = item.ctime = current_time();
    ++item.sequence;
  });
  inode.mark_dirty();
}

// Whatever may be refused comes before the size: of a file that was cut, nobody wants to hear that it could
// not be.
Status set_attr(Mount& mount, Inode& inode, const AttrChange& asked) {
  BF_TRY(check_change(mount, inode, asked));
  BF_TRY(mount.make_room_for_inodes());
  BF_ASSIGN(const AttrChange change, with_stored_owners(mount, inode, asked));
  if (change.size || change.uid || change.gid || change.takes_privileges)
    BF_TRY(drop_privileges(mount, inode, change.kill_suidgid, change.kill_sgid));
  if (change.mode) {
    BF_TRY(change_mode(mount, inode, change));
  } else if (!change.size) {
    return change_item(mount, inode, change);
  } else if (change.uid || change.gid) {
    BF_TRY(change_item(mount, inode, change));
  }
  return change.size ? change_size(mount, inode, change) : Status{};
}

bool atime_is_due(Mount& mount, const Inode& inode) {
  return tracks_atime(mount, inode) && is_due(mount.options().atime, inode.item(), current_time());
}

bool set_atime(Mount& mount, Inode& inode) {
  if (!tracks_atime(mount, inode)) return false;
  const Timespec now = current_time();
  if (!is_due(mount.options().atime, inode.item(), now)) return false;
  // A time of access is not worth a commit: on a full file system it stays as it was, and the next read tries
  // again.
  if (!inode.has_room_to_be_dirty()) {
    mount.filesystem().request_commit();
    return false;
  }
  inode.change([&](InodeItem& item) { item.atime = now; });
  return true;
}

bool touch_atime(Mount& mount, Inode& inode) {
  const bool changed = set_atime(mount, inode);
  if (changed) inode.mark_dirty();
  return changed;
}

Status drop_privileges(Mount& mount, Inode& inode, bool kill_suidgid, bool kill_sgid) {
  if (inode.is_dir()) return {};
  if (kill_suidgid) {
    bool changed = false;
    inode.change([&](InodeItem& item) {
      const uint32_t before = std::exchange(item.mode, item.mode & ~uint32_t{S_ISUID});
      if (kill_sgid || (item.mode & S_IXGRP)) item.mode &= ~uint32_t{S_ISGID};
      changed = item.mode != before;
    });
    if (changed) inode.mark_dirty();  // whatever becomes of the operation
  }
  return drop_capability(mount, inode);
}

}  // namespace butterfuse
