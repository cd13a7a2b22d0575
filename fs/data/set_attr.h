// SPDX-License-Identifier: GPL-2.0-or-later
// Changes of attributes. Here and not beside stat, since one of them is the size.
#pragma once

#include <optional>

#include "fs/mount/mount.h"

namespace butterfuse {

struct AttrChange {
  std::optional<uint32_t> mode;  // permission bits
  std::optional<uint32_t> uid, gid;
  std::optional<uint64_t> size;
  std::optional<Timespec> atime, mtime, ctime;  // ctime: now, when not given
  bool times_are_now = false;                   // atime and mtime are set to now, both, as touch(1) does it
  bool takes_privileges = false;                // a chown, though of neither id
  bool by_stranger = false;                     // neither owner nor CAP_FOWNER: looked up where it matters
  bool kill_suidgid = false;                    // see drop_privileges
  bool kill_sgid = false;
};

// Permissions are the kernel's business. EPERM for immutable inodes, EFBIG, EINVAL for the size of no regular
// file. Takes locks of the inode and begins transactions.
Status set_attr(Mount& mount, Inode& inode, const AttrChange& change);

}  // namespace butterfuse
