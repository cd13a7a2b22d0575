// SPDX-License-Identifier: GPL-2.0-or-later
// fallocate: PREALLOC extents into holes, and extents out of ranges.
#include "fs/data/fallocate.h"

#include <fcntl.h>
#include <linux/falloc.h>

#include "fs/attributes/attr.h"
#include "fs/data/file_extents.h"
#include "fs/data/truncate.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

constexpr int kKnownModes = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;

Status check_mode(int mode) {
  const bool both = (mode & FALLOC_FL_PUNCH_HOLE) && (mode & FALLOC_FL_ZERO_RANGE);
  const bool punch_grows = (mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE);
  if ((mode & ~kKnownModes) || both || punch_grows)
    return make_error(EOPNOTSUPP, "fallocate mode {:#x}", mode);
  return {};
}

Status check_inode(Mount& mount, const Inode& inode, int mode) {
  BF_TRY(mount.check_writable(inode));
  if (inode.is_dir()) return make_error(EISDIR, "fallocate of directory {}", inode.ino());
  if (!inode.is_regular()) return make_error(ENODEV, "fallocate of inode {}, no regular file", inode.ino());
  BF_TRY(check_content_may_change(inode));
  const bool plain = (mode & ~FALLOC_FL_KEEP_SIZE) == 0;
  return plain ? check_can_add_names(inode) : check_not_immutable(inode);
}

// What of `sectors` gets new space: its holes, and what else is there in `replaced`.
// Preallocated space stays.
Result<std::vector<ByteRange>> parts_to_allocate(Inode& inode, ByteRange sectors, ByteRange replaced) {
  std::vector<ByteRange> parts;
  BF_TRY(for_each_file_extent(inode.tree(), inode.ino(), sectors, [&](const FileExtent& extent) {
    if (extent.kind == ExtentKind::prealloc) return true;
    const bool hole = extent.kind == ExtentKind::hole;
    const ByteRange whole{round_up(extent.start, kSectorSize), round_up(extent.end(), kSectorSize)};
    const ByteRange part = whole.intersection(hole ? sectors : replaced);
    if (part.empty()) return true;
    if (!parts.empty() && parts.back().end == part.start) {
      parts.back().end = part.end;
    } else {
      parts.push_back(part);
    }
    return true;
  }));
  return parts;
}

uint64_t bytes_of(const std::vector<ByteRange>& parts) {
  uint64_t bytes = 0;
  for (const ByteRange part : parts) bytes += part.length();
  return bytes;
}

// One PREALLOC extent, as long as a free run and a step allow, at the begin of `part`. Returns where it ends.
Result<uint64_t> preallocate_step(Mount& mount, Inode& inode, ByteRange part, Reservation metadata) {
  BF_ASSIGN(part.end, end_of_first_part(inode, part));
  BF_ASSIGN(const ByteRange disk, mount.filesystem().allocator().alloc_data(
                                      std::min(part.length(), kMaxExtentBytes), kSectorSize, 0));
  FileExtent extent;
  extent.kind = ExtentKind::prealloc;
  extent.start = part.start;
  extent.num_bytes = extent.ram_bytes = extent.disk_num_bytes = disk.length();
  extent.disk_bytenr = disk.start;
  const ByteRange target = ByteRange::at(part.start, disk.length());
  BF_TRY(apply_step(mount, inode, std::move(metadata),
                    {.target = target, .extents = std::span(&extent, 1), .fresh = true}));
  return target.end;
}

// Preallocated extents instead of what the file has in `zeroed`, and in the holes around `range`.
Status preallocate(Mount& mount, Inode& inode, ByteRange range, ByteRange zeroed, RangeProgress& progress) {
  StepReservations reservations(mount, inode, items_of_step(1), StepReservations::Kind::changing);
  BF_ASSIGN(const auto parts, parts_to_allocate(inode, sectors_around(range), sectors_within(zeroed)));
  Reservation data;
  if (!parts.empty()) {  // a full file system may be asked for what it has
    BF_ASSIGN(data, mount.reserve_data(bytes_of(parts)));
    BF_TRY(reservations.reserve_first());
  }
  BF_TRY(inode.data().zero_edges(zeroed));
  progress.note(zeroed);
  for (ByteRange part : parts) {
    while (!part.empty()) {
      BF_ASSIGN(Reservation metadata, reservations.next());
      BF_ASSIGN(const uint64_t end, preallocate_step(mount, inode, part, std::move(metadata)));
      data.release(end - part.start);
      part.start = end;
    }
  }
  return {};
}

// Inline data suffers no extents behind it.
Status move_inline_data_out(Inode& inode) {
  bool is_inline = false;
  BF_TRY(for_each_file_extent(inode.tree(), inode.ino(), {0, 1}, [&](const FileExtent& extent) {
    is_inline = extent.kind == ExtentKind::inline_data;
    return false;
  }));
  if (!is_inline) return {};
  // Nothing is stored inline from here.
  inode.change([](InodeItem& item) { item.flags |= inode_flag::kPrealloc; });
  BF_TRY(inode.data().rewrite({0, kSectorSize}));
  return inode.data().flush({0, kSectorSize}, true);
}

Status run(Mount& mount, Inode& inode, int mode, ByteRange range, RangeProgress& progress) {
  const bool keep_size = mode & FALLOC_FL_KEEP_SIZE;
  FileData& data = inode.data();
  BF_TRY(data.flush(sectors_around(range), true));
  if (mode & FALLOC_FL_PUNCH_HOLE) return punch_range(mount, inode, range, progress);
  const bool grows = !keep_size && range.end > data.size();
  if (range.end > data.size()) BF_TRY(move_inline_data_out(inode));
  if (grows) BF_TRY(drop_behind_size(mount, inode));
  const ByteRange zeroed = mode & FALLOC_FL_ZERO_RANGE ? range : ByteRange{};
  BF_TRY(preallocate(mount, inode, range, zeroed, progress));
  return grows ? truncate(mount, inode, range.end) : Status{};
}

}  // namespace

Status fallocate(Mount& mount, Inode& inode, int mode, ByteRange range, RangeProgress& progress,
                 const Caller& caller) {
  BF_TRY(check_mode(mode));
  BF_TRY(check_inode(mount, inode, mode));
  if (range.end > kFileSizeMax || range.end < range.start)
    return make_error(EFBIG, "fallocate of {} bytes at {}", range.length(), range.start);
  if (range.empty()) return make_error(EINVAL, "fallocate of nothing");
  BF_TRY(drop_privileges(mount, inode, caller.kill_suidgid, caller.kill_sgid));
  WriterLock lock(inode.data_lock());
  Status status = run(mount, inode, mode, range, progress);
  if (status || !progress.changed.empty()) note_modified(inode);
  return status;
}

Status fallocate(Mount& mount, Inode& inode, int mode, ByteRange range, const Caller& caller) {
  RangeProgress nobody_asks;
  return fallocate(mount, inode, mode, range, nobody_asks, caller);
}

}  // namespace butterfuse
