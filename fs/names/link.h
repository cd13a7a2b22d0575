// SPDX-License-Identifier: GPL-2.0-or-later
// Hard links.
#pragma once

#include <string_view>

#include "fs/mount/mount.h"

namespace butterfuse {

// EXDEV across subvolumes, EPERM for directories, EMLINK, EEXIST, ENOENT for an inode without names
// that was not made by O_TMPFILE.
Status link(Mount& mount, Inode& inode, Inode& dir, std::string_view name);

}  // namespace butterfuse
