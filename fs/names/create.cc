// SPDX-License-Identifier: GPL-2.0-or-later
// Creating inodes: the items a new one starts with.
//
// The order of a create: what may refuse it, by flags and names; the new inode in the table, so that
// whoever finds the name finds the inode; then space, and the items, the name first. If that can't be
// added, nothing has changed.
//
// An inode without a name (O_TMPFILE) begins as what it would end as: a link count of 0 and an orphan item. A
// crash deletes it.
#include "fs/names/create.h"

#include <sys/stat.h>

#include "core/items/dir_item.h"
#include "core/items/file_extent.h"
#include "fs/inode/guards.h"
#include "fs/names/inherited.h"
#include "fs/names/lookup.h"
#include "fs/names/names.h"
#include "fs/names/new_inode.h"

namespace butterfuse {
namespace {

constexpr uint32_t kCreateItems = 6;   // inode, ref, two entries, directory inode, symlink target
constexpr uint32_t kUnnamedItems = 2;  // inode, orphan

Status write_target(TransactionHandle& handle, Inode& link, std::string_view target) {
  FileExtent extent;
  extent.kind = ExtentKind::inline_data;
  extent.num_bytes = extent.ram_bytes = target.size();
  extent.generation = handle.transid();
  const ByteSpan bytes = as_bytes(target);
  extent.data.assign(bytes.begin(), bytes.end());
  return insert_file_extent(link.tree(), handle, link.ino(), extent, true);
}

Status insert_inode(TransactionHandle& handle, Inode& child, const Inherited& inherited) {
  child.change([&](InodeItem& item) { item.generation = handle.transid(); });
  BF_TRY(or_abort(handle, child.save(handle)));
  return or_abort(handle, write_inherited(handle, child, inherited));
}

Status check_target(Mount& mount, const NewInode& what) {
  if (!S_ISLNK(what.mode)) return {};
  // btrfs stores a target as an inline extent and never otherwise; and the kernel takes none of a
  // page or more.
  const uint64_t limit = std::min<uint64_t>(max_inline_bytes(mount.filesystem()), kSectorSize - 1);
  if (what.target.empty()) return make_error(ENOENT, "empty target of a symbolic link");
  if (what.target.size() > limit) return make_error(ENAMETOOLONG, "target of {} bytes", what.target.size());
  return {};
}

Status check_dir(const Inode& dir) {
  if (!dir.is_dir()) return make_error(ENOTDIR, "inode {} is no directory", dir.ino());
  if (dir.is_unlinked()) return make_error(ENOENT, "directory {} was removed", dir.ino());
  return {};
}

Status check_absent(Inode& dir, std::string_view name) {
  BF_TRY(check_dir(dir));
  if (name == "." || name == "..") return make_error(EEXIST, "'{}' exists", name);
  BF_ASSIGN(const auto entry, lookup_dir_entry(dir.tree(), dir.ino(), name));
  if (entry) return make_error(EEXIST, "'{}' exists", name);
  return {};
}

Result<InodePtr> create_named(Mount& mount, Inode& dir, std::string_view name, const NewInode& what,
                              const Caller& caller) {
  BF_TRY(check_name(name));
  BF_TRY(mount.check_writable(dir));
  BF_TRY(check_can_add_names(dir));
  BF_TRY(check_target(mount, what));
  BF_TRY(dir.load_properties());
  // Before the locks: where the create fails its end comes behind them.
  InodePtr child;
  ReaderLock names(mount.namespace_lock());
  WriterLock entries(dir.names_lock());
  BF_TRY(check_absent(dir, name));
  BF_ASSIGN(const Inherited inherited, inherit(mount, dir, what, caller));
  BF_ASSIGN(child, new_inode(mount, dir, inherited.item));
  auto insert = [&]() -> Status {
    BF_ASSIGN(TransactionHandle handle,
              mount.filesystem().begin(kCreateItems + inherited_items(inherited), dir.root_id()));
    BF_TRY(add_name(mount, handle, dir, *child, name));  // first: the step that may fail without harm
    BF_TRY(insert_inode(handle, *child, inherited));
    return child->is_symlink() ? or_abort(handle, write_target(handle, *child, what.target)) : Status{};
  };
  if (auto status = insert(); !status) return take_back(mount, *child, std::move(status));
  return child;
}

}  // namespace

Result<InodePtr> create(Mount& mount, Inode& dir, std::string_view name, const NewInode& what,
                        const Caller& caller) {
  BF_TRY(mount.make_room_for_inodes());
  BF_ASSIGN(InodePtr child, create_named(mount, dir, name, what, caller));
  BF_TRY(names_changed(mount, dir));
  return child;
}

Result<InodePtr> create_unnamed(Mount& mount, Inode& dir, const NewInode& what, bool linkable,
                                const Caller& caller) {
  BF_TRY(mount.make_room_for_inodes());
  BF_TRY(mount.check_writable(dir));
  BF_TRY(check_can_add_names(dir));
  BF_TRY(dir.load_properties());
  InodePtr child;
  ReaderLock names(mount.namespace_lock());
  WriterLock entries(dir.names_lock());
  BF_TRY(check_dir(dir));
  BF_ASSIGN(Inherited inherited, inherit(mount, dir, what, caller));
  inherited.item.nlink = 0;
  BF_ASSIGN(child, new_inode(mount, dir, inherited.item));
  child->set_linkable(linkable);
  child->set_unlinked(true);
  auto insert = [&]() -> Status {
    BF_ASSIGN(TransactionHandle handle,
              mount.filesystem().begin(kUnnamedItems + inherited_items(inherited), dir.root_id()));
    BF_TRY(insert_inode(handle, *child, inherited));
    return or_abort(handle, insert_orphan(child->tree(), handle, child->ino()));
  };
  if (auto status = insert(); !status) return take_back(mount, *child, std::move(status));
  mount.inodes().deletions().expect(*child, Deletions::kNeverNamed);
  return child;
}

Result<std::string> read_link(Mount& mount, Inode& inode) {
  if (!inode.is_symlink()) return make_error(EINVAL, "inode {} is no symbolic link", inode.ino());
  const uint64_t size = inode.item().size;
  if (size == 0 || size > kSectorSize)
    return make_error(EUCLEAN, "symbolic link {} of {} bytes", inode.ino(), size);
  std::string target(size, '\0');
  BF_TRY(mount.reader().read(inode.tree(), inode.ino(), inode.nodatasum(), {0, size},
                             {reinterpret_cast<std::byte*>(target.data()), target.size()}));
  return target;
}

}  // namespace butterfuse
