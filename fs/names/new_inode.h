// SPDX-License-Identifier: GPL-2.0-or-later
// New inodes: in the table before any item of theirs is in a tree.
#pragma once

#include <string_view>

#include "fs/mount/mount.h"

namespace butterfuse {

struct NewInode {
  uint32_t mode = 0;             // with the type bits
  uint32_t umask = 0;            // taken from `mode` unless the directory has a default access control list
  uint64_t rdev = 0;             // in btrfs's form, of device nodes
  std::string_view target = {};  // of symbolic links
};

// An inode number of `dir`'s subvolume with `item`, pinned. ENOSPC when there are no numbers left. Its items
// are the caller's to write.
Result<InodePtr> new_inode(Mount& mount, Inode& dir, const InodeItem& item);
// Undoes new_inode: `child` never came to be. Passes the reason on.
tl::unexpected<Error> take_back(Mount& mount, Inode& child, Status&& failed);

}  // namespace butterfuse
