// SPDX-License-Identifier: GPL-2.0-or-later
// Guards: the flags of chattr, fs-verity and btrfs-convert.
#include "fs/inode/guards.h"

namespace butterfuse {

Status check_not_readonly(const Inode& inode) {
  if (inode.item().flags & inode_flag::kReadonly)
    return make_error(EACCES, "inode {} has the READONLY flag", inode.ino());
  return {};
}

Status check_not_sealed(const Inode& inode) {
  if (inode.item().flags & inode_flag::kRoVerity)
    return make_error(EPERM, "inode {} is sealed by fs-verity", inode.ino());
  return {};
}

Status or_abort(TransactionHandle& handle, Status status) {
  if (!status) handle.abort(status.error());
  return status;
}

Status check_not_immutable(const Inode& inode) {
  if (inode.item().flags & (inode_flag::kImmutable | inode_flag::kAppend)) {
    return make_error(EPERM, "inode {} is immutable or append-only", inode.ino());
  }
  return {};
}

Status check_content_may_change(const Inode& inode) {
  BF_TRY(check_not_sealed(inode));
  return check_not_readonly(inode);
}

Status check_can_be_added_to(const Inode& inode) {
  if (inode.item().flags & inode_flag::kImmutable)
    return make_error(EPERM, "inode {} is immutable", inode.ino());
  return {};
}

Status check_can_add_names(const Inode& dir) {
  BF_TRY(check_can_be_added_to(dir));
  return check_not_readonly(dir);
}

Status check_can_take_names(const Inode& dir) {
  BF_TRY(check_not_immutable(dir));
  return check_not_readonly(dir);
}

}  // namespace butterfuse
