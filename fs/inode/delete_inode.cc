// SPDX-License-Identifier: GPL-2.0-or-later
// Deleting inodes: their data in bounded steps, then everything else.
//
// A file is deleted from its end to its beginning, a transaction for each step:
//
//   step 1      [==============================]     the last extents go, size and nbytes with them
//   step 2      [==================]                 a crash: a shorter orphan, deleted at the next use
//   last step   (nothing)                            data, xattrs, inode item and orphan item, all at once
//
// So a file of any size needs a bounded reservation, others commit in between, and the orphan item is there
// as long as the inode item is. Dirty data is dropped before: nobody can read it any more.
#include "fs/inode/delete_inode.h"

#include "core/items/file_extent.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

// What one step of a deletion reserves, and how many extents it takes: they are neighbours in a few
// leaves. More of them would save transactions of a large file, and make each one longer that a commit has
// to wait for.
constexpr uint32_t kDeleteItems = 8;
constexpr uint32_t kExtentsPerStep = 32;

// All items of the inode other than its data: attributes, leftovers, and the inode item itself.
Status remove_items(TransactionHandle& handle, Inode& inode) {
  WriteCursor cursor(inode.tree(), handle);
  BF_TRY(cursor.seek({inode.ino(), 0, 0}));
  return cursor.remove_while([&](const Key& key, ByteSpan) -> Result<bool> {
    return key.objectid == inode.ino() && key.type != key_type::kExtentData;
  });
}

Result<bool> delete_step(MountState& mount, Inode& inode) {
  BF_ASSIGN(TransactionHandle handle, mount.filesystem->begin_freeing(kDeleteItems, inode.root_id()));
  TruncateStep step{.done = true};
  if (inode.is_regular() || inode.is_symlink()) {
    auto truncated = truncate_file_extents(inode.tree(), handle, inode.ino(), 0, kExtentsPerStep);
    if (!truncated) {
      handle.abort(truncated.error());
      return tl::unexpected(std::move(truncated).error());
    }
    step = *truncated;
  }
  if (!step.done) {
    if (FileData* data = inode.data_if_any()) data->lower_disk_size(step.new_end);
    inode.change([&](InodeItem& item) {
      item.nbytes -= step.nbytes_dropped;
      item.size = step.new_end;
    });
    BF_TRY(or_abort(handle, inode.save(handle)));
    return false;
  }
  inode.forget_item();
  BF_TRY(or_abort(handle, remove_items(handle, inode)));
  BF_TRY(or_abort(handle, remove_orphan(inode.tree(), handle, inode.ino())));
  return true;
}

}  // namespace

Status delete_inode(MountState& mount, Inode& inode) {
  if (FileData* data = inode.data_if_any()) data->invalidate();
  for (;;) {
    BF_ASSIGN(const bool done, delete_step(mount, inode));
    if (done) break;
  }
  if (mount.space_is_low()) mount.filesystem->request_commit();  // what was freed is usable after it
  return {};
}

}  // namespace butterfuse
