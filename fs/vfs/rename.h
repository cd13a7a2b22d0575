// Renaming, over existing files and empty directories, and exchanging two names.
#pragma once

#include <string_view>

#include "fs/vfs/caller.h"
#include "fs/vfs/mount.h"

namespace butterfuse {

struct RenameRequest {
  Inode& old_dir;
  std::string_view old_name;
  Inode& new_dir;
  std::string_view new_name;
  unsigned flags = 0;  // RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT; EINVAL for others
  Caller caller = {};  // who will own the whiteout
};

// All in one transaction: after a crash either the old or the new names are there. EXDEV across subvolumes.
Status rename(Mount& mount, const RenameRequest& request);

}  // namespace butterfuse
