// SPDX-License-Identifier: GPL-2.0-or-later
// Names: directory entry, back reference and directory attributes change together.
//
// One name is four things in the trees, changed together or not at all:
//
//   DIR_ITEM     directory, hash of the name    -> inode      look-ups
//   DIR_INDEX    directory, index               -> inode      listings, logs
//   INODE_REF    inode, directory               -> index      ".." of directories, counting links
//   INODE_ITEM   directory                         size, times, sequence
//
// and a note for fsync in memory. The entries come first, since only they may fail for a reason that lies in
// the name: it is taken, or there is no room for its hash, or for one more back reference. Nothing has
// changed then. Whatever fails later aborts the transaction.
#include "fs/names/names.h"

#include "core/items/dir_item.h"
#include "fs/inode/clock.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

// btrfs counts each name twice in a directory's size: for its DIR_ITEM and its DIR_INDEX.
Status save_dir(TransactionHandle& handle, Inode& dir, int64_t name_bytes) {
  const Timespec now = current_time();
  dir.change([&](InodeItem& item) {
    item.size += static_cast<uint64_t>(2 * name_bytes);
    item.mtime = item.ctime = now;
    ++item.sequence;
  });
  return or_abort(handle, dir.save(handle));
}

}  // namespace

Status names_changed(Mount& mount, Inode& dir) {
  const bool durable =
      mount.options().sync_names || (dir.item().flags & (inode_flag::kDirSync | inode_flag::kSync));
  return durable ? mount.make_durable(dir) : Status{};
}

Status add_name(Mount& mount, TransactionHandle& handle, Inode& dir, Inode& child, std::string_view name) {
  BF_ASSIGN(const uint64_t index, dir.take_dir_index());
  const DirEntry entry{.name = std::string(name),
                       .location = {child.ino(), key_type::kInodeItem, 0},
                       .type = child.dir_entry_type(),
                       .index = index,
                       .transid = handle.transid()};
  BF_TRY(insert_dir_entry(dir.tree(), handle, dir.ino(), entry));
  const bool extref = handle.filesystem().has_incompat(incompat::kExtendedIref);
  const InodeRef ref{dir.ino(), index, entry.name};
  if (auto status = insert_inode_ref(dir.tree(), handle, child.ino(), ref, extref); !status) {
    // Without extended references an inode has room for a leaf of names in one directory: back to before.
    if (status.error().code != EMLINK) return or_abort(handle, std::move(status));
    BF_TRY(or_abort(handle, remove_dir_entry(dir.tree(), handle, dir.ino(), name, index)));
    return status;
  }
  mount.fsync_log().notes().name_added(handle, dir.key(), index, child.key());
  return save_dir(handle, dir, static_cast<int64_t>(name.size()));
}

Status remove_name(Mount& mount, TransactionHandle& handle, Inode& dir, Inode& child, std::string_view name) {
  BF_TRY(or_abort(handle, dir.load_dir_index()));
  auto index = remove_inode_ref(dir.tree(), handle, child.ino(), dir.ino(), name);
  if (!index && index.error().code == ENOENT) {
    return make_error(EUCLEAN, "inode {} does not know its name '{}' in directory {}", child.ino(), name,
                      dir.ino());
  }
  if (!index) return or_abort(handle, tl::unexpected(std::move(index).error()));
  BF_TRY(or_abort(handle, remove_dir_entry(dir.tree(), handle, dir.ino(), name, *index)));
  mount.fsync_log().notes().name_removed(handle, dir.key(), *index, std::string(name), child.key(),
                                         child.is_dir());
  return save_dir(handle, dir, -static_cast<int64_t>(name.size()));
}

Status remove_bare_entry(Mount& mount, TransactionHandle& handle, Inode& dir, std::string_view name) {
  BF_TRY(dir.load_dir_index());
  uint64_t index = 0;
  BF_TRY(for_each_dir_entry(dir.tree(), dir.ino(), 0, [&](const DirEntry& entry) {
    if (entry.name == name) index = entry.index;
    return index == 0;
  }));
  if (index == 0) return make_error(EUCLEAN, "entry '{}' of directory {} has no index", name, dir.ino());
  BF_TRY(or_abort(handle, remove_dir_entry(dir.tree(), handle, dir.ino(), name, index)));
  mount.fsync_log().notes().require_commit(handle);
  return save_dir(handle, dir, -static_cast<int64_t>(name.size()));
}

}  // namespace butterfuse
