// SPDX-License-Identifier: GPL-2.0-or-later
// Removing names, and the inodes that lost their last one.
#pragma once

#include <string_view>

#include "fs/mount/mount.h"

namespace butterfuse {

// EISDIR for directories. The inode of a last name becomes an orphan: it goes when no one uses it any more,
// or after a crash when its subvolume is next used for writing.
Status unlink(Mount& mount, Inode& dir, std::string_view name);
// ENOTDIR, ENOTEMPTY. Stale entries of subvolumes can be removed; subvolumes can't yet (ENOTSUP).
Status rmdir(Mount& mount, Inode& dir, std::string_view name);

// Takes one link off `child` and makes it an orphan at zero, inside `handle`.
// REQUIRES its name to be removed there too.
Status drop_link(Mount& mount, TransactionHandle& handle, Inode& child);

}  // namespace butterfuse
