// SPDX-License-Identifier: GPL-2.0-or-later
// Inherited: what a new inode takes from its directory, the mount and its maker.
#pragma once

#include <optional>

#include "fs/attributes/acl.h"
#include "fs/inode/compression_property.h"
#include "fs/mount/caller.h"
#include "fs/names/new_inode.h"

namespace butterfuse {

// Worked out before the inode exists, written with it.
struct Inherited {
  InodeItem item;                   // attributes it starts with
  CompressionProperty compression;  // no codec: no property
  std::optional<Acl> access_acl;    // where the mode does not say it all
  std::optional<Acl> default_acl;
};

// REQUIRES dir.load_properties() and the directory's names_lock().
Result<Inherited> inherit(Mount& mount, Inode& dir, const NewInode& what, const Caller& caller);
// Writes the attributes (xattrs) of `inherited` and tells `child` of them.
Status write_inherited(TransactionHandle& handle, Inode& child, const Inherited& inherited);
// How many items write_inherited changes.
uint32_t inherited_items(const Inherited& inherited);

}  // namespace butterfuse
