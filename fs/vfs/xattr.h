// Extended attributes by name-space rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/vfs/caller.h"
#include "fs/vfs/mount.h"

namespace butterfuse {

// user.*, trusted.* and security.* are stored as they are; btrfs.compression is checked and acted on;
// user.butterfuse.stats of the root directory is made up. Access control lists can be read, not set. Others:
// ENOTSUP.
Result<std::vector<std::byte>> get_xattr(Mount& mount, Inode& inode, std::string_view name);  // ENODATA
// Names, trusted.* only for the superuser.
Result<std::vector<std::string>> list_xattr(Mount& mount, Inode& inode, const Caller& caller);
// `flags`: XATTR_CREATE (EEXIST) or XATTR_REPLACE (ENODATA).
Status set_xattr(Mount& mount, Inode& inode, std::string_view name, ByteSpan value, int flags);
Status remove_xattr(Mount& mount, Inode& inode, std::string_view name);
// Removes security.capability if it is there; cheap when it is not.
Status drop_capability(Mount& mount, Inode& inode);

}  // namespace butterfuse
