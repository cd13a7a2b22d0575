// SPDX-License-Identifier: GPL-2.0-or-later
// Looking up names: from a directory and a name to an inode, across subvolumes.
#pragma once

#include <optional>
#include <string_view>

#include "core/items/dir_item.h"
#include "fs/mount/mount.h"

namespace butterfuse {

// ENAMETOOLONG; EINVAL for an empty name or one with '/' or NUL.
Status check_name(std::string_view name);
// "." and ".." included. Nothing when the name is not there. ENOTDIR.
Result<std::optional<InodePtr>> lookup(Mount& mount, Inode& dir, std::string_view name);
// As lookup, with ENOENT for an absent name.
Result<InodePtr> lookup_existing(Mount& mount, Inode& dir, std::string_view name);
// The inode a directory entry leads to. EUCLEAN when entry and inode disagree.
Result<InodePtr> follow_entry(Mount& mount, Inode& dir, const DirEntry& entry);
// The key of the inode that a subvolume's entry leads to, without opening the subvolume: for listings.
Result<InodeKey> key_of_subvolume_entry(Mount& mount, Inode& dir, const DirEntry& entry);
// Where ".." of a directory leads; the mount's root is its own parent.
Result<InodeKey> parent_of(Mount& mount, Inode& dir);

}  // namespace butterfuse
