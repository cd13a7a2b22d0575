// Attributes: stat and its changes.
#pragma once

#include <sys/stat.h>

#include <optional>

#include "fs/vfs/caller.h"
#include "fs/vfs/mount.h"

namespace butterfuse {

struct stat get_attr(Mount& mount, Inode& inode);

struct AttrChange {
  std::optional<uint32_t> mode;  // permission bits
  std::optional<uint32_t> uid, gid;
  std::optional<uint64_t> size;
  std::optional<Timespec> atime, mtime, ctime;  // ctime: now, when not given
};

// Permissions are the kernel's business. EPERM for immutable inodes, EFBIG, EINVAL for the size of no regular
// file.
Status set_attr(Mount& mount, Inode& inode, const AttrChange& change);
// Changes i_size; times too when it differs. REQUIRES data_lock() exclusive.
Status truncate(Mount& mount, Inode& inode, uint64_t size);
// Updates atime as the mount options say, after a read.
void touch_atime(Mount& mount, Inode& inode);
// A write of a caller without privileges takes set-user-id and set-group-id away.
void drop_suid(Inode& inode, const Caller& caller);

}  // namespace butterfuse
