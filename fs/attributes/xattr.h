// SPDX-License-Identifier: GPL-2.0-or-later
// Extended attributes by name-space rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/mount/mount.h"

namespace butterfuse {

// user.*, trusted.* and security.* are stored as they are; btrfs.compression is checked and acted on; the two
// access control lists are checked and coupled with the mode; user.butterfuse.stats and
// user.butterfuse.options of the root directory are made up. Others, and access control lists on a mount
// without them: ENOTSUP. Changes take names_lock() and begin a transaction, unless they say otherwise.
Result<std::vector<std::byte>> get_xattr(Mount& mount, Inode& inode, std::string_view name);  // ENODATA
// All names, as btrfs has it; the kernel guards the values of trusted.*.
Result<std::vector<std::string>> list_xattr(Mount& mount, Inode& inode);
struct XattrChange {
  std::string_view name;
  ByteSpan value;
  // XATTR_CREATE (EEXIST) or XATTR_REPLACE (ENODATA); of no meaning for access control lists.
  int flags = 0;
  bool kill_sgid = false;  // an access list takes set-group-id along: the caller is not in the file's group
};
// ENOSPC when the value does not fit a leaf. An access control list without entries is removed.
Status set_xattr(Mount& mount, Inode& inode, const XattrChange& change);
// The attribute btrfs.compression and the flags that go with it; "" removes it. EINVAL for other values than
// codecs, "no" and "none". REQUIRES load_properties(); checks nothing else of the inode.
Status set_compression(Mount& mount, Inode& inode, std::string_view value);
// ENODATA, but success for an access control list that is not there.
Status remove_xattr(Mount& mount, Inode& inode, std::string_view name);
// Brings the access control list, if there is one, in line with the mode after chmod(2). A list that can't be
// read is left as it is. REQUIRES names_lock() exclusive and load_properties().
Status update_acl_mode(TransactionHandle& handle, Inode& inode, uint32_t mode);
// Removes security.capability if it is there; cheap when it is not.
Status drop_capability(Mount& mount, Inode& inode);

}  // namespace butterfuse
