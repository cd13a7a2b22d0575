// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentStep: bounded, and in one transaction.
#include "fs/data/extent_step.h"

#include <algorithm>

#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

constexpr uint32_t kDropItems = 8;       // neighbours in a few leaves, as truncation reserves for as many
constexpr uint32_t kItemsPerExtent = 3;  // itself, and the holes beside it
constexpr uint32_t kOtherItems = 2;      // the inode, a hole before the first

struct Replaced {
  uint64_t added = 0, dropped = 0;  // of nbytes
};

Result<Replaced> replace_items(TransactionHandle& handle, Inode& inode, const ExtentStep& step) {
  Tree& tree = inode.tree();
  const uint64_t ino = inode.ino();
  Replaced bytes;
  BF_ASSIGN(bytes.dropped, drop_file_extents(tree, handle, ino, step.target));
  // Dirty pages behind the target may be all that the file has there: no item covers what is between.
  BF_TRY(fill_gaps_before(tree, handle, ino, step.target.start, inode.has_prealloc()));
  uint64_t end = step.target.start;
  for (const FileExtent& extent : step.extents) {
    BF_TRY(insert_hole(tree, handle, ino, {end, extent.start}));
    FileExtent inserted = extent;
    if (step.fresh) inserted.generation = handle.transid();
    BF_TRY(insert_file_extent(tree, handle, ino, inserted, step.fresh));
    bytes.added += extent.num_bytes;
    end = extent.end();
  }
  BF_TRY(insert_hole(tree, handle, ino, {end, step.target.end}));
  return bytes;
}

bool has_prealloc(std::span<const FileExtent> extents) {
  return std::any_of(extents.begin(), extents.end(),
                     [](const FileExtent& extent) { return extent.kind == ExtentKind::prealloc; });
}

Status change_file(TransactionHandle& handle, Inode& inode, const ExtentStep& step) {
  BF_ASSIGN(const Replaced bytes, replace_items(handle, inode, step));
  inode.change([&](InodeItem& item) {
    item.nbytes += bytes.added - bytes.dropped;
    if (has_prealloc(step.extents)) item.flags |= inode_flag::kPrealloc;
  });
  if (step.size > inode.data().size()) inode.data().extend(step.size);
  return inode.save(handle);
}

}  // namespace

uint32_t items_of_step(size_t new_extents) {
  return kDropItems + kItemsPerExtent * static_cast<uint32_t>(new_extents) + kOtherItems;
}

Result<Reservation> StepReservations::reserve() {
  return kind_ == Kind::freeing ? filesystem_.reserve_metadata_freeing(items_, root_)
                                : filesystem_.reserve_metadata(items_, root_);
}

Status StepReservations::reserve_first() {
  BF_ASSIGN(first_, reserve());
  return {};
}

Result<Reservation> StepReservations::next() {
  if (!first_) return reserve();
  Reservation first = std::move(*first_);
  first_.reset();
  return first;
}

Status apply_step(Mount& mount, Inode& inode, Reservation metadata, const ExtentStep& step) {
  inode.data().drop_pages(step.target);
  MutexLock items(inode.data().items_mutex());
  auto handle = mount.filesystem().begin_reserved(std::move(metadata));
  if (handle) return or_abort(*handle, change_file(*handle, inode, step));
  if (step.fresh) {
    for (const FileExtent& extent : step.extents)
      mount.filesystem().allocator().release_reserved(
          ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes));
  }
  return tl::unexpected(std::move(handle).error());
}

Result<uint64_t> end_of_first_part(Inode& inode, ByteRange sectors) {
  uint64_t end = sectors.end;
  uint32_t count = 0;
  BF_TRY(for_each_file_extent(inode.tree(), inode.ino(), sectors, [&](const FileExtent& extent) {
    if (extent.kind == ExtentKind::hole) return true;
    if (count++ < kDroppedPerStep) return true;
    end = std::min(end, extent.start);
    return false;
  }));
  return end;
}

}  // namespace butterfuse
