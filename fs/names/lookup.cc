// SPDX-License-Identifier: GPL-2.0-or-later
// Looking up names: directory items, subvolume crossings, parents.
//
// An entry leads to an inode of its own tree, or to a subvolume. Whether that hangs here is for the root
// tree to say (ROOT_REF): a snapshot copies the entries of nested subvolumes, but not these. So there
// are three ends:
//
//   ROOT_REF of this entry         the root directory of that tree
//   none, or the tree is gone      a placeholder: an empty directory, which rmdir(2) takes away
//   an entry of another kind       EUCLEAN
#include "fs/names/lookup.h"

#include "core/items/root_ref.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse {
namespace {

// Whether the root tree agrees that `root_id` hangs at this entry. In a snapshot of the parent it does not.
Result<bool> root_ref_matches(Mount& mount, const Inode& dir, const DirEntry& entry) {
  const Key key{dir.key().root_id, key_type::kRootRef, entry.location.objectid};
  BF_ASSIGN(const auto item, lookup_item(mount.filesystem().root_tree(), key));
  const auto ref = item ? root_ref_entry(*item) : std::nullopt;
  return ref && ref->dir_ino == dir.ino() && ref->name == entry.name;
}

Result<InodePtr> follow_subvolume(Mount& mount, Inode& dir, const DirEntry& entry) {
  BF_ASSIGN(const bool linked, root_ref_matches(mount, dir, entry));
  if (linked) {
    auto subvolume = mount.subvolume(entry.location.objectid);
    if (subvolume) return mount.inodes().get({(*subvolume)->root_id, (*subvolume)->root_dirid});
    if (subvolume.error().code != ENOENT) return tl::unexpected(std::move(subvolume).error());
  }
  return mount.placeholder(dir.key(), entry.location.objectid);
}

// The directory in another tree that holds the root directory of `dir`'s subvolume.
Result<InodeKey> parent_of_subvolume(Mount& mount, const Inode& dir) {
  BF_ASSIGN(const auto links, list_subvolumes(mount.filesystem()));
  for (const SubvolumeLink& link : links) {
    if (link.root_id == dir.key().root_id) return InodeKey{link.parent_root_id, link.dir_ino};
  }
  return dir.key();
}

}  // namespace

Status check_name(std::string_view name) {
  if (name.size() > kNameMax) return make_error(ENAMETOOLONG, "name of {} bytes", name.size());
  if (name.empty() || name.find('/') != name.npos || name.find('\0') != name.npos) {
    return make_error(EINVAL, "bad name");
  }
  return {};
}

Result<InodePtr> follow_entry(Mount& mount, Inode& dir, const DirEntry& entry) {
  if (entry.location.type == key_type::kRootItem) return follow_subvolume(mount, dir, entry);
  if (entry.location.type != key_type::kInodeItem) {
    return make_error(EUCLEAN, "entry '{}' of directory {} leads to {}", entry.name, dir.ino(),
                      to_text(entry.location));
  }
  BF_ASSIGN(InodePtr inode, mount.inodes().get({dir.key().root_id, entry.location.objectid}));
  if (inode->dir_entry_type() != entry.type) {
    return make_error(EUCLEAN, "entry '{}' of directory {} has type {}, its inode {} has {}", entry.name,
                      dir.ino(), entry.type, inode->ino(), inode->dir_entry_type());
  }
  return inode;
}

// A subvolume's root directory is inode 256 in its own tree.
Result<InodeKey> key_of_subvolume_entry(Mount& mount, Inode& dir, const DirEntry& entry) {
  BF_ASSIGN(const bool linked, root_ref_matches(mount, dir, entry));
  if (linked) return InodeKey{entry.location.objectid, objectid::kFirstFree};
  BF_ASSIGN(const InodePtr placeholder, mount.placeholder(dir.key(), entry.location.objectid));
  return placeholder->key();
}

Result<InodeKey> parent_of(Mount& mount, Inode& dir) {
  if (dir.key() == mount.root().key() || dir.is_placeholder()) return mount.root().key();
  if (dir.ino() == dir.subvolume().root_dirid) return parent_of_subvolume(mount, dir);
  BF_ASSIGN(const auto refs, list_inode_refs(dir.tree(), dir.ino()));
  if (refs.empty()) return make_error(ENOENT, "directory {} has no parent", dir.ino());
  return InodeKey{dir.key().root_id, refs.front().parent_ino};
}

Result<std::optional<InodePtr>> lookup(Mount& mount, Inode& dir, std::string_view name) {
  if (name == ".") return mount.inodes().get(dir.key());
  if (!dir.is_dir()) return make_error(ENOTDIR, "inode {} is no directory", dir.ino());
  if (name == "..") {
    BF_ASSIGN(const InodeKey parent, parent_of(mount, dir));
    return mount.inodes().get(parent);
  }
  BF_TRY(check_name(name));
  if (dir.is_placeholder()) return std::nullopt;
  BF_ASSIGN(const auto entry, lookup_dir_entry(dir.tree(), dir.ino(), name));
  if (!entry) return std::nullopt;
  return follow_entry(mount, dir, *entry);
}

Result<InodePtr> lookup_existing(Mount& mount, Inode& dir, std::string_view name) {
  BF_ASSIGN(auto found, lookup(mount, dir, name));
  if (!found) return make_error(ENOENT, "no entry '{}'", name);
  return std::move(*found);
}

}  // namespace butterfuse
