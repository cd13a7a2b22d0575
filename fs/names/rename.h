// SPDX-License-Identifier: GPL-2.0-or-later
// Renaming, over existing files and empty directories, and exchanging two names.
#pragma once

#include <string_view>

#include "fs/mount/caller.h"
#include "fs/mount/mount.h"

namespace butterfuse {

struct RenameRequest {
  Inode& old_dir;
  std::string_view old_name;
  Inode& new_dir;
  std::string_view new_name;
  unsigned flags = 0;  // RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT; EINVAL for others
  Caller caller = {};  // who will own the whiteout
};

// All in one transaction: after a crash either the old or the new names are there, and of a file that was
// renamed over either content. EXDEV across subvolumes, ENOTSUP for subvolumes, EINVAL for a directory into
// itself and for flags that exclude each other; EEXIST, ENOTEMPTY, EISDIR, ENOTDIR as rename(2) has them.
// Hold no lock: it writes back data, and may end with an fsync.
Status rename(Mount& mount, const RenameRequest& request);

}  // namespace butterfuse
