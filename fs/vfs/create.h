// Creating inodes: regular files, directories, device nodes, symbolic links.
#pragma once

#include <string_view>

#include "fs/vfs/caller.h"
#include "fs/vfs/mount.h"

namespace butterfuse {

struct NewInode {
  uint32_t mode = 0;             // with the type bits
  uint32_t umask = 0;            // taken from `mode` unless the directory has a default access control list
  uint64_t rdev = 0;             // in btrfs's form, of device nodes
  std::string_view target = {};  // of symbolic links
};

// EEXIST, ENAMETOOLONG, EROFS, ENOSPC, ENOENT when the directory itself was removed.
Result<InodePtr> create(Mount& mount, Inode& dir, std::string_view name, const NewInode& what,
                        const Caller& caller);
// An inode without a name, as O_TMPFILE makes it; `linkable`: link(2) may name it (no O_EXCL).
Result<InodePtr> create_unnamed(Mount& mount, Inode& dir, const NewInode& what, bool linkable,
                                const Caller& caller);
// Where a symbolic link points.
Result<std::string> read_link(Mount& mount, Inode& inode);

// struct stat's device number to and from the form on disk.
uint64_t encode_rdev(uint64_t dev);
uint64_t decode_rdev(uint64_t rdev);

}  // namespace butterfuse
