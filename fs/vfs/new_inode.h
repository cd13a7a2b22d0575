// New inodes: in the table before any item of theirs is in a tree.
#pragma once

#include "fs/vfs/mount.h"

namespace butterfuse {

// An inode number of `dir`'s subvolume with `item`, pinned. ENOSPC when there are no numbers left. Its items
// are the caller's to write.
Result<InodePtr> new_inode(Mount& mount, Inode& dir, const InodeItem& item);
// Undoes new_inode: `child` never came to be. Passes the reason on.
tl::unexpected<Error> take_back(Mount& mount, Inode& child, Status&& failed);

}  // namespace butterfuse
