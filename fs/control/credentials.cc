// SPDX-License-Identifier: GPL-2.0-or-later
// Credentials: the permission check of POSIX 1003.1e, for writing.
#include "fs/control/credentials.h"

#include <algorithm>

#include "fs/attributes/acl.h"
#include "fs/attributes/attr.h"
#include "fs/attributes/xattr.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

constexpr uint32_t kWrite = 2;  // of a mode's three bits, and of a list's entry

// Only the first class that fits counts: an owner without the bit has no say as one of the others.
bool mode_permits(const struct stat& attr, const Credentials& who) {
  const int shift = who.uid == attr.st_uid ? 6 : who.is_in_group(attr.st_gid) ? 3 : 0;
  return attr.st_mode >> shift & kWrite;
}

}  // namespace

bool Credentials::is_in_group(gid_t group) const {
  return known && (gid == group || std::find(groups.begin(), groups.end(), group) != groups.end());
}

bool owns_or_may_as_owner(Mount& mount, Inode& inode, const Credentials& who) {
  return who.has(capability::kFowner) || (who.known && who.uid == get_attr(mount, inode).st_uid);
}

Result<bool> may_write(Mount& mount, Inode& inode, const Credentials& who) {
  if (!who.known || !check_content_may_change(inode)) return false;
  if (inode.item().flags & inode_flag::kImmutable) return false;
  if (who.has(capability::kDacOverride)) return true;
  // As shown, since the caller's ids are those of this machine.
  const struct stat attr = get_attr(mount, inode);
  // A list says of the owner what the mode says.
  if (!mount.options().acl || who.uid == attr.st_uid) return mode_permits(attr, who);
  auto list = get_xattr(mount, inode, xattr_name::kAccessAcl);
  if (!list && list.error().code == ENODATA) return mode_permits(attr, who);
  if (!list) return tl::unexpected(std::move(list).error());
  BF_ASSIGN(const Acl acl, Acl::parse(*list));
  return acl.permits(
      kWrite, who.uid, [&](gid_t group) { return who.is_in_group(group); }, attr.st_gid);
}

}  // namespace butterfuse
