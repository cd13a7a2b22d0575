// SPDX-License-Identifier: GPL-2.0-or-later
// Attributes: stat, the times that come with reading and writing, and what a change of content takes away.
//
// When reading changes the access time:
//
//   never                  noatime, chattr +A, nodiratime for directories, and what may not be written
//   strictatime            always
//   relatime (default)     where it is not younger than mtime and ctime, or a day old
//
// With relatime, programs that compare the times still see whether a file was read since it was written, at
// the cost of one change a day. The rule is the kernel's own, which FUSE leaves to us. Of reads that its
// cache answers nobody hears: fs/fuse makes it forget what it has where a time is due.
#include "fs/attributes/attr.h"

#include <sys/sysmacros.h>

#include <utility>

#include "core/items/file_extent.h"
#include "fs/attributes/xattr.h"
#include "fs/inode/clock.h"

namespace butterfuse {
namespace {

timespec to_timespec(const Timespec& time) { return {time.sec, static_cast<long>(time.nsec)}; }

// How many bytes of `ranges` lie where the file has no extent: writeback will add them to nbytes.
uint64_t bytes_in_holes(Inode& inode, const std::vector<ByteRange>& ranges, uint64_t nbytes) {
  uint64_t all = 0, bytes = 0;
  for (const ByteRange range : ranges) all += range.length();
  // Most often: the file was just written. There is no tree to be looked at.
  if (nbytes == 0) return all;
  for (const ByteRange range : ranges) {
    const Status walked =
        for_each_file_extent(inode.tree(), inode.ino(), range, [&](const FileExtent& extent) {
          const ByteRange hole{round_up(extent.start, kSectorSize), extent.end()};
          if (extent.kind == ExtentKind::hole) bytes += hole.intersection(range).length();
          return true;
        });
    // stat(2) is not where a damaged tree is told; too many blocks do no harm, too few would.
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
  // In units of 512, whatever st_blksize says: POSIX leaves the unit open, Linux does not.
  attr.st_blocks = static_cast<blkcnt_t>(stored_bytes(inode) / 512);
  attr.st_atim = to_timespec(item.atime);
  attr.st_mtim = to_timespec(item.mtime);
  attr.st_ctim = to_timespec(item.ctime);
  return attr;
}

void note_modified(Inode& inode) {
  inode.change([&](InodeItem& item) {
    item.mtime = item.ctime = current_time();
    ++item.sequence;
  });
  inode.mark_dirty();
}

bool atime_is_due(Mount& mount, const Inode& inode) {
  return tracks_atime(mount, inode) && is_due(mount.options().atime, inode.item(), current_time());
}

bool set_atime(Mount& mount, Inode& inode) {
  if (!tracks_atime(mount, inode)) return false;
  const Timespec now = current_time();
  if (!is_due(mount.options().atime, inode.item(), now)) return false;
  // A time of access is not worth a commit: on a full file system it stays as it was,
  // and the next read tries again.
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

// btrfs stores the kernel's "huge" encoding: minor in the low 20 bits, major above.
uint64_t encode_rdev(uint64_t dev) { return uint64_t{gnu_dev_major(dev)} << 20 | gnu_dev_minor(dev); }
uint64_t decode_rdev(uint64_t rdev) {
  return gnu_dev_makedev(static_cast<unsigned>(rdev >> 20), rdev & 0xFFFFF);
}

}  // namespace butterfuse
