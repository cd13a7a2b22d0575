// File extents under the pages: bounded steps.
#include "fs/vfs/file_extents.h"

#include "core/items/file_extent.h"
#include "fs/vfs/names.h"

namespace butterfuse {
namespace {

constexpr uint32_t kDropItems = 8;  // what a step reserves, as truncation does
constexpr uint32_t kExtentsPerStep = 32;
constexpr uint64_t kBehindAllFiles = uint64_t{1} << 63;

// The first part of `sectors` that holds at most kExtentsPerStep extents, beginning at the first of them;
// empty: there is nothing to drop.
Result<ByteRange> next_step(Inode& inode, ByteRange sectors) {
  ByteRange step{sectors.end, sectors.end};
  uint32_t count = 0;
  BF_TRY(for_each_file_extent(inode.tree(), inode.ino(), sectors, [&](const FileExtent& extent) {
    if (extent.kind == ExtentKind::hole) return true;
    if (count == 0) step.start = std::max(sectors.start, extent.start);
    step.end = std::min(sectors.end, round_up(extent.end(), kSectorSize));
    return ++count < kExtentsPerStep;
  }));
  return count == 0 ? ByteRange{} : step;
}

Status drop_step(Mount& mount, Inode& inode, ByteRange step) {
  BF_ASSIGN(Reservation metadata, mount.filesystem().reserve_metadata_freeing(kDropItems, inode.root_id()));
  MutexLock items(inode.data().items_mutex());
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_reserved(std::move(metadata)));
  auto change = [&]() -> Status {
    BF_ASSIGN(const uint64_t dropped, drop_file_extents(inode.tree(), handle, inode.ino(), step));
    BF_TRY(insert_hole(inode.tree(), handle, inode.ino(), step));
    inode.change([&](InodeItem& item) { item.nbytes -= dropped; });
    return inode.save(handle);
  };
  return or_abort(handle, change());
}

}  // namespace

Status drop_extents(Mount& mount, Inode& inode, ByteRange sectors) {
  while (!sectors.empty()) {
    BF_ASSIGN(const ByteRange step, next_step(inode, sectors));
    if (step.empty()) return {};
    BF_TRY(drop_step(mount, inode, step));
    sectors.start = step.end;
  }
  return {};
}

// In memory nothing is behind the size, so once in the life of the object is enough.
Status drop_behind_size(Mount& mount, Inode& inode) {
  if (!inode.may_have_extents_behind_size()) return {};
  std::vector<ByteRange> behind;
  const ByteRange range{round_up(inode.data().size(), kSectorSize), kBehindAllFiles};
  BF_TRY(for_each_file_extent(inode.tree(), inode.ino(), range, [&](const FileExtent& extent) {
    if (extent.kind == ExtentKind::regular)
      behind.push_back(ByteRange{extent.start, extent.end()}.intersection(range));
    return true;
  }));
  for (const ByteRange extent : behind) BF_TRY(drop_extents(mount, inode, extent));
  inode.set_no_extents_behind_size();
  return {};
}

Status punch_range(Mount& mount, Inode& inode, ByteRange range) {
  FileData& data = inode.data();
  BF_TRY(data.zero_range_pages(range));
  // An inline extent is one sector that can't be cut: zeroed edges make it a regular one.
  const ByteRange whole{round_up(range.start, kSectorSize), round_down(range.end, kSectorSize)};
  if (whole.end <= whole.start) return {};
  return drop_extents(mount, inode, whole);
}

}  // namespace butterfuse
