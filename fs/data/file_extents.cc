// SPDX-License-Identifier: GPL-2.0-or-later
// File extents under the pages: bounded steps.
#include "fs/data/file_extents.h"

namespace butterfuse {
namespace {

constexpr uint64_t kBehindAllFiles = uint64_t{1} << 63;

// The first part of `sectors` that one step can clear, from its first extent on; empty: there is none.
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

StepReservations reservations_to_drop(Mount& mount, const Inode& inode) {
  return {mount, inode, items_of_step(0), StepReservations::Kind::freeing};
}

// Removes the extents of whole sectors.
Status drop_extents(Mount& mount, Inode& inode, ByteRange sectors, StepReservations& reservations,
                    RangeProgress& progress) {
  while (!sectors.empty()) {
    BF_ASSIGN(const ByteRange step, next_step(inode, sectors));
    if (step.empty()) return {};
    BF_ASSIGN(Reservation metadata, reservations.next());
    BF_TRY(apply_step(mount, inode, std::move(metadata), {.target = step, .extents = {}}));
    progress.note(step);
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
  StepReservations reservations = reservations_to_drop(mount, inode);
  for (const ByteRange extent : behind)
    BF_TRY(drop_extents(mount, inode, extent, reservations, nobody_saw_them));
  inode.set_no_extents_behind_size();
  return {};
}

// An inline extent is one sector that can't be cut: zeroed edges make it a regular one.
Status punch_range(Mount& mount, Inode& inode, ByteRange range, RangeProgress& progress) {
  StepReservations reservations = reservations_to_drop(mount, inode);
  BF_TRY(reservations.reserve_first());
  BF_TRY(inode.data().zero_edges(range));
  progress.note(range);
  return drop_extents(mount, inode, sectors_within(range), reservations, progress);
}

ByteRange sectors_around(ByteRange range) {
  return {round_down(range.start, kSectorSize), round_up(range.end, kSectorSize)};
}

ByteRange sectors_within(ByteRange range) {
  const ByteRange whole{round_up(range.start, kSectorSize), round_down(range.end, kSectorSize)};
  return whole.empty() ? ByteRange{whole.start, whole.start} : whole;
}

}  // namespace butterfuse
