// SPDX-License-Identifier: GPL-2.0-or-later
// Removing names: unlink, rmdir, and the end of orphans.
#include "fs/names/unlink.h"

#include "core/items/dir_item.h"
#include "fs/inode/clock.h"
#include "fs/inode/guards.h"
#include "fs/names/lookup.h"
#include "fs/names/names.h"

namespace butterfuse {
namespace {

constexpr uint32_t kUnlinkItems = 6;  // two entries, back reference, orphan, both inodes

// By begin_freeing: a full file system must let go of files.
Status remove_link(Mount& mount, Inode& dir, Inode& child, std::string_view name) {
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_freeing(kUnlinkItems, dir.root_id()));
  BF_TRY(remove_name(mount, handle, dir, child, name));
  return or_abort(handle, drop_link(mount, handle, child));
}

Status check_can_remove(Mount& mount, Inode& dir) {
  BF_TRY(mount.check_writable(dir));
  if (!dir.is_dir()) return make_error(ENOTDIR, "inode {} is no directory", dir.ino());
  return check_can_take_names(dir);
}

Status remove_directory(Mount& mount, Inode& dir, Inode& child, std::string_view name) {
  if (!child.is_dir()) return make_error(ENOTDIR, "'{}' is no directory", name);
  if (child.is_placeholder()) {
    BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_freeing(kUnlinkItems, dir.root_id()));
    return remove_bare_entry(mount, handle, dir, name);
  }
  if (child.key().root_id != dir.key().root_id)
    return make_error(ENOTSUP, "deleting subvolumes is not supported yet");
  BF_ASSIGN(const bool empty, dir_is_empty(child.tree(), child.ino()));
  if (!empty) return make_error(ENOTEMPTY, "'{}' is not empty", name);
  return remove_link(mount, dir, child, name);
}

Status unlink_name(Mount& mount, Inode& dir, std::string_view name) {
  BF_TRY(check_can_remove(mount, dir));
  InodePtr child;  // its end may delete the inode: after that of the locks
  ReaderLock names(mount.namespace_lock());
  WriterLock entries(dir.names_lock());
  BF_ASSIGN(child, lookup_existing(mount, dir, name));
  if (child->is_dir()) return make_error(EISDIR, "'{}' is a directory", name);
  BF_TRY(check_not_immutable(*child));
  WriterLock links(child->names_lock());
  return remove_link(mount, dir, *child, name);
}

// The name-space lock is held alone: nobody can create in the directory between the look and the removal.
Status rmdir_name(Mount& mount, Inode& dir, std::string_view name) {
  BF_TRY(check_can_remove(mount, dir));
  if (name == ".") return make_error(EINVAL, "rmdir of '.'");
  if (name == "..") return make_error(ENOTEMPTY, "rmdir of '..'");
  InodePtr child;
  WriterLock names(mount.namespace_lock());
  BF_ASSIGN(child, lookup_existing(mount, dir, name));
  if (!child->is_placeholder()) BF_TRY(check_not_immutable(*child));
  return remove_directory(mount, dir, *child, name);
}

}  // namespace

Status drop_link(Mount& mount, TransactionHandle& handle, Inode& child) {
  // The count of a damaged image may be too low: names decide, so that none is left without its inode.
  uint64_t names_left = 0;
  if (child.nlink() <= 1) {
    BF_ASSIGN(const auto refs, list_inode_refs(child.tree(), child.ino()));
    names_left = refs.size();
  }
  bool last = false;
  child.change([&](InodeItem& item) {
    item.nlink = item.nlink > 1 ? item.nlink - 1 : static_cast<uint32_t>(names_left);
    last = item.nlink == 0;
    if (last && child.is_dir()) item.size = 0;
    ++item.sequence;
    item.ctime = current_time();
  });
  if (last) {
    BF_TRY(insert_orphan(child.tree(), handle, child.ino()));
    child.set_unlinked(true);
    mount.inodes().deletions().expect(child);
  }
  return child.save(handle);
}

Status unlink(Mount& mount, Inode& dir, std::string_view name) {
  BF_TRY(unlink_name(mount, dir, name));
  return names_changed(mount, dir);
}

Status rmdir(Mount& mount, Inode& dir, std::string_view name) {
  BF_TRY(rmdir_name(mount, dir, name));
  return names_changed(mount, dir);
}

}  // namespace butterfuse
