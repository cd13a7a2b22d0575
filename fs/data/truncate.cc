// SPDX-License-Identifier: GPL-2.0-or-later
// Truncate: extents go step by step, and where files need hole items, none is missing below the size.
#include "fs/data/truncate.h"

#include "core/items/file_extent.h"
#include "fs/attributes/attr.h"
#include "fs/data/extent_step.h"
#include "fs/data/file_extents.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

constexpr uint32_t kTruncateItems = 8;  // kExtentsPerStep are neighbours in a few leaves
constexpr uint32_t kGrowItems = 2;      // the inode, a hole
constexpr uint32_t kExtentsPerStep = 32;

// Where files need explicit hole items, none may be missing below the size.
// REQUIRES no writeback of the inode.
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

Status cut_items(Mount& mount, Inode& inode, uint64_t size, StepReservations& reservations) {
  for (bool done = false; !done;) {
    BF_ASSIGN(Reservation metadata, reservations.next());
    BF_ASSIGN(done, shrink_step(mount, inode, size, std::move(metadata)));
  }
  return {};
}

// Nothing goes before there is room for the first step. If a later one fails, the file ends with its extents.
Status shrink(Mount& mount, Inode& inode, uint64_t size) {
  StepReservations reservations(mount, inode, kTruncateItems, StepReservations::Kind::freeing);
  BF_TRY(reservations.reserve_first());
  BF_TRY(inode.data().truncate_pages(size));
  put_extents_into_tree(mount, inode);
  Status cut = cut_items(mount, inode, size, reservations);
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

}  // namespace

Status truncate(Mount& mount, Inode& inode, uint64_t size) {
  const uint64_t old_size = inode.data().size();
  if (size == old_size) return inode.has_prealloc() ? shrink(mount, inode, size) : Status{};
  BF_TRY(size < old_size ? shrink(mount, inode, size) : grow(mount, inode, size));
  if (size == 0) inode.note_emptied();
  note_modified(inode);
  return {};
}

}  // namespace butterfuse
