// SPDX-License-Identifier: GPL-2.0-or-later
// statfs: how big and how full the file system is.
#pragma once

#include <sys/statvfs.h>

#include "fs/mount/mount.h"

namespace butterfuse {

// In blocks of a sector. `f_bfree` is what nothing has taken or was promised, `f_bavail` what data can still
// take of it: 0 where there is no room for metadata. Inodes are not counted (0 of 0), since btrfs makes them
// as they come. Takes the allocator's lock, a leaf.
struct statvfs get_statfs(Mount& mount);

}  // namespace butterfuse
