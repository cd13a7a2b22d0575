// Removing names, and the inodes that lost their last one.
#pragma once

#include <string_view>

#include "fs/vfs/mount.h"

namespace butterfuse {

// EISDIR for directories. The inode of a last name becomes an orphan: it goes when no one uses it any more,
// or at the next mount.
Status unlink(Mount& mount, Inode& dir, std::string_view name);
// ENOTDIR, ENOTEMPTY. Stale entries of subvolumes can be removed; subvolumes can't yet (ENOTSUP).
Status rmdir(Mount& mount, Inode& dir, std::string_view name);

// Takes one link off `child` and makes it an orphan at zero, inside `handle`. REQUIRES its name to be removed
// there too.
Status drop_link(TransactionHandle& handle, Inode& child);
// Deletes an orphan: its data in bounded steps, then everything else. A crash in between leaves the orphan.
// REQUIRES nlink 0 and no other user. Called by InodeTable and by the clean-up at mount.
Status delete_inode(Mount& mount, Inode& inode);

}  // namespace butterfuse
