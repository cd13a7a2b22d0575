// SPDX-License-Identifier: GPL-2.0-or-later
// Creating inodes: regular files, directories, device nodes, symbolic links.
#pragma once

#include <string_view>

#include "fs/mount/caller.h"
#include "fs/names/new_inode.h"

namespace butterfuse {

// EEXIST, ENAMETOOLONG, EINVAL, EROFS, ENOSPC, EPERM and EACCES by flags of the directory, EOVERFLOW for an
// owner that no uidmap= has; ENOENT when the directory itself was removed. What the kernel has checked
// (modes) is not asked again. Hold no lock.
Result<InodePtr> create(Mount& mount, Inode& dir, std::string_view name, const NewInode& what,
                        const Caller& caller);
// An inode without a name, as O_TMPFILE makes it; `linkable`: link(2) may name it (no O_EXCL).
Result<InodePtr> create_unnamed(Mount& mount, Inode& dir, const NewInode& what, bool linkable,
                                const Caller& caller);
// Where a symbolic link points. EINVAL for others. EUCLEAN for a target that is empty or longer
// than a sector.
Result<std::string> read_link(Mount& mount, Inode& inode);

}  // namespace butterfuse
