// fallocate: PREALLOC extents into holes, and extents out of ranges.
#include "fs/vfs/fallocate.h"

#include <fcntl.h>
#include <linux/falloc.h>

#include "core/items/file_extent.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/file_extents.h"
#include "fs/vfs/names.h"

namespace butterfuse {
namespace {

constexpr uint32_t kPreallocItems = 4;
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

// The holes of `range` (whole sectors).
Result<std::vector<ByteRange>> holes_of(Inode& inode, ByteRange range) {
  std::vector<ByteRange> holes;
  BF_TRY(for_each_file_extent(inode.tree(), inode.ino(), range, [&](const FileExtent& extent) {
    const ByteRange part = ByteRange{round_up(extent.start, kSectorSize), extent.end()}.intersection(range);
    if (extent.kind == ExtentKind::hole && !part.empty()) holes.push_back(part);
    return true;
  }));
  return holes;
}

// Space for one PREALLOC extent, as long as a free run allows, at the begin of `hole`. Returns where it ends.
Result<uint64_t> preallocate_extent(Mount& mount, Inode& inode, ByteRange hole, uint64_t hint) {
  Allocator& allocator = mount.filesystem().allocator();
  BF_ASSIGN(Reservation metadata, mount.filesystem().reserve_metadata(kPreallocItems, inode.root_id()));
  BF_ASSIGN(const ByteRange disk,
            allocator.alloc_data(std::min(hole.length(), kMaxExtentBytes), kSectorSize, hint));
  FileExtent extent;
  extent.kind = ExtentKind::prealloc;
  extent.start = hole.start;
  extent.num_bytes = extent.ram_bytes = extent.disk_num_bytes = disk.length();
  extent.disk_bytenr = disk.start;
  MutexLock items(inode.data().items_mutex());
  auto handle = mount.filesystem().begin_reserved(std::move(metadata));
  if (!handle) {
    allocator.release_reserved(disk);
    return tl::unexpected(std::move(handle).error());
  }
  extent.generation = handle->transid();
  auto insert = [&]() -> Status {
    const ByteRange file = ByteRange::at(hole.start, disk.length());
    BF_TRY(drop_file_extents(inode.tree(), *handle, inode.ino(), file));  // an explicit hole
    // Behind the size nothing needs an item, until there is an extent.
    BF_TRY(fill_gaps_before(inode.tree(), *handle, inode.ino(), hole.start, inode.has_prealloc()));
    BF_TRY(insert_file_extent(inode.tree(), *handle, inode.ino(), extent, true));
    inode.change([&](InodeItem& item) {
      item.nbytes += disk.length();
      item.flags |= inode_flag::kPrealloc;
    });
    return inode.save(*handle);
  };
  BF_TRY(or_abort(*handle, insert()));
  return hole.start + disk.length();
}

// All the space is promised before any of it is taken.
Status preallocate(Mount& mount, Inode& inode, ByteRange sectors) {
  BF_ASSIGN(const auto holes, holes_of(inode, sectors));
  uint64_t bytes = 0;
  for (const ByteRange hole : holes) bytes += hole.length();
  if (bytes == 0) return {};
  BF_ASSIGN(Reservation promise, mount.reserve_data(bytes));
  for (ByteRange hole : holes) {
    while (!hole.empty()) {
      BF_ASSIGN(const uint64_t end, preallocate_extent(mount, inode, hole, 0));
      promise.release(end - hole.start);
      hole.start = end;
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
  inode.change(
      [](InodeItem& item) { item.flags |= inode_flag::kPrealloc; });  // nothing is stored inline from here
  BF_TRY(inode.data().rewrite({0, kSectorSize}));
  return inode.data().flush({0, kSectorSize}, true);
}

ByteRange whole_sectors_around(ByteRange range) {
  return {round_down(range.start, kSectorSize), round_up(range.end, kSectorSize)};
}

Status run(Mount& mount, Inode& inode, int mode, ByteRange range) {
  const bool keep_size = mode & FALLOC_FL_KEEP_SIZE;
  FileData& data = inode.data();
  BF_TRY(data.flush(whole_sectors_around(range), true));
  if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) BF_TRY(punch_range(mount, inode, range));
  if (mode & FALLOC_FL_PUNCH_HOLE) return {};
  const bool grows = !keep_size && range.end > data.size();
  if (range.end > data.size()) BF_TRY(move_inline_data_out(inode));
  if (grows) BF_TRY(drop_behind_size(mount, inode));
  BF_TRY(preallocate(mount, inode, whole_sectors_around(range)));
  return grows ? truncate(mount, inode, range.end) : Status{};
}

}  // namespace

Status fallocate(Mount& mount, Inode& inode, int mode, ByteRange range, const Caller& caller) {
  BF_TRY(check_mode(mode));
  BF_TRY(check_inode(mount, inode, mode));
  if (range.end > kFileSizeMax || range.end < range.start)
    return make_error(EFBIG, "fallocate of {} bytes at {}", range.length(), range.start);
  if (range.empty()) return make_error(EINVAL, "fallocate of nothing");
  BF_TRY(drop_privileges(mount, inode, caller.kill_suidgid, caller.kill_sgid));
  WriterLock lock(inode.data_lock());
  BF_TRY(run(mount, inode, mode, range));
  note_modified(inode);
  return {};
}

}  // namespace butterfuse
