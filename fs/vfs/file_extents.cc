// File extents under the pages: bounded steps.
#include "fs/vfs/file_extents.h"

namespace butterfuse {
namespace {

constexpr uint64_t kBehindAllFiles = uint64_t{1} << 63;

// The first part of `sectors` that one step can clear, beginning at its first extent; empty: there is
// nothing.
Result<ByteRange> next_step(Inode& inode, ByteRange sectors) {
  ByteRange step{sectors.end, sectors.end};
  uint32_t count = 0;
  BF_TRY(for_each_file_extent(inode.tree(), inode.ino(), sectors, [&](const FileExtent& extent) {
    if (extent.kind == ExtentKind::hole) return true;
    if (count == 0) step.start = std::max(sectors.start, extent.start);
    step.end = std::min(sectors.end, round_up(extent.end(), kSectorSize));
    return ++count < kDroppedPerStep;
  }));
  return count == 0 ? ByteRange{} : step;
}

Result<Reservation> reserve_step(Mount& mount, const Inode& inode) {
  return mount.filesystem().reserve_metadata_freeing(items_of_step(0), inode.root_id());
}

// Removes the extents of whole sectors. `metadata`: for the first step.
Status drop_extents(Mount& mount, Inode& inode, ByteRange sectors, Reservation metadata,
                    RangeProgress& progress) {
  while (!sectors.empty()) {
    BF_ASSIGN(const ByteRange step, next_step(inode, sectors));
    if (step.empty()) return {};
    if (metadata.bytes() == 0) {
      BF_ASSIGN(metadata, reserve_step(mount, inode));
    }
    BF_TRY(apply_step(mount, inode, std::move(metadata), {.target = step, .extents = {}}));
    progress.note(step);
    metadata = {};
    sectors.start = step.end;
  }
  return {};
}

}  // namespace

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
  RangeProgress nobody_saw_them;
  for (const ByteRange extent : behind) BF_TRY(drop_extents(mount, inode, extent, {}, nobody_saw_them));
  inode.set_no_extents_behind_size();
  return {};
}

// An inline extent is one sector that can't be cut: zeroed edges make it a regular one.
Status punch_range(Mount& mount, Inode& inode, ByteRange range, RangeProgress& progress) {
  BF_ASSIGN(Reservation metadata, reserve_step(mount, inode));
  BF_TRY(inode.data().zero_edges(range));
  progress.note(range);
  const ByteRange whole = sectors_within(range);
  inode.data().drop_pages(whole);
  return drop_extents(mount, inode, whole, std::move(metadata), progress);
}

ByteRange sectors_around(ByteRange range) {
  return {round_down(range.start, kSectorSize), round_up(range.end, kSectorSize)};
}

ByteRange sectors_within(ByteRange range) {
  const ByteRange whole{round_up(range.start, kSectorSize), round_down(range.end, kSectorSize)};
  return whole.empty() ? ByteRange{whole.start, whole.start} : whole;
}

}  // namespace butterfuse
