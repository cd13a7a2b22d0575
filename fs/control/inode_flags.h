// SPDX-License-Identifier: GPL-2.0-or-later
// Inode flags as chattr(1) and xfs_io know them.
#pragma once

#include <cstdint>

#include "fs/mount/mount.h"

namespace butterfuse {

// FS_*_FL bits, of FS_IOC_GETFLAGS: a A c C d D i m S, and V.
uint32_t get_fs_flags(const Inode& inode);
// Replaces them by `flags`. EOPNOTSUPP for others, EINVAL for c with m and C with c, EPERM never: the kernel
// checks who may. C changes only empty files; on others the wish is ignored, as by the kernel. EROFS, ENOSPC.
// Hold no lock and no handle.
Status set_fs_flags(Mount& mount, Inode& inode, uint32_t flags);

// FS_XFLAG_* bits, of FS_IOC_FSGETXATTR: those of the above that have such a form. Setting them leaves those
// that have none.
uint32_t get_fs_xflags(const Inode& inode);
Status set_fs_xflags(Mount& mount, Inode& inode, uint32_t xflags);

}  // namespace butterfuse
