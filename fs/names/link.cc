// SPDX-License-Identifier: GPL-2.0-or-later
// Hard links: one more name for an inode.
#include "fs/names/link.h"

#include "core/items/dir_item.h"
#include "fs/inode/clock.h"
#include "fs/inode/guards.h"
#include "fs/names/lookup.h"
#include "fs/names/names.h"

namespace butterfuse {
namespace {

constexpr uint32_t kLinkItems = 6;      // two entries, back reference, both inodes, an orphan
constexpr uint32_t kLinksMax = 65'535;  // BTRFS_LINK_MAX

Status check_link(Mount& mount, Inode& inode, Inode& dir, std::string_view name) {
  BF_TRY(check_name(name));
  BF_TRY(mount.check_writable(dir));
  BF_TRY(check_can_add_names(dir));
  BF_TRY(check_not_immutable(inode));
  if (!dir.is_dir()) return make_error(ENOTDIR, "inode {} is no directory", dir.ino());
  if (inode.is_dir()) return make_error(EPERM, "hard link to directory {}", inode.ino());
  if (inode.key().root_id != dir.key().root_id) return make_error(EXDEV, "link across subvolumes");
  return {};
}

Status check_counts(Inode& inode, Inode& dir, std::string_view name) {
  if (dir.is_unlinked()) return make_error(ENOENT, "directory {} was removed", dir.ino());
  const uint32_t nlink = inode.nlink();
  if (inode.is_unlinked() && !inode.is_linkable())
    return make_error(ENOENT, "inode {} was removed", inode.ino());
  if (nlink >= kLinksMax) return make_error(EMLINK, "inode {} has {} links", inode.ino(), nlink);
  BF_ASSIGN(const auto entry, lookup_dir_entry(dir.tree(), dir.ino(), name));
  if (entry || name == "." || name == "..") return make_error(EEXIST, "'{}' exists", name);
  return {};
}

Status link_name(Mount& mount, Inode& inode, Inode& dir, std::string_view name) {
  BF_TRY(check_link(mount, inode, dir, name));
  ReaderLock names(mount.namespace_lock());
  WriterLock entries(dir.names_lock());
  WriterLock links(inode.names_lock());
  BF_TRY(check_counts(inode, dir, name));
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin(kLinkItems, dir.root_id()));
  BF_TRY(add_name(mount, handle, dir, inode, name));
  if (inode.is_unlinked()) {  // made by O_TMPFILE
    BF_TRY(or_abort(handle, remove_orphan(inode.tree(), handle, inode.ino())));
    inode.set_linkable(false);
    inode.set_unlinked(false);
    mount.inodes().deletions().expect_no_more(inode);
  }
  inode.change([&](InodeItem& item) {
    ++item.nlink;
    ++item.sequence;
    item.ctime = current_time();
  });
  return or_abort(handle, inode.save(handle));
}

}  // namespace

Status link(Mount& mount, Inode& inode, Inode& dir, std::string_view name) {
  BF_TRY(link_name(mount, inode, dir, name));
  return names_changed(mount, dir);
}

}  // namespace butterfuse
