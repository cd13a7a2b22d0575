// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE getxattr, listxattr, setxattr, removexattr.
#include "fs/attributes/xattr.h"
#include "fs/fuse/guarded.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/request_at_work.h"

namespace butterfuse {
namespace {

// `size` 0 asks only how much there is.
void reply_sized(fuse_req_t request, const char* bytes, size_t have, size_t size) {
  if (size == 0) {
    fuse_reply_xattr(request, have);
  } else if (have > size) {
    fuse_reply_err(request, ERANGE);
  } else {
    fuse_reply_buf(request, bytes, have);
  }
}

void op_getxattr(fuse_req_t request, fuse_ino_t node, const char* name, size_t size) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  auto value = get_xattr(mount_of(request), **inode, name);
  if (!value) return reply_error(request, value.error());
  reply_sized(request, reinterpret_cast<const char*>(value->data()), value->size(), size);
}

void op_listxattr(fuse_req_t request, fuse_ino_t node, size_t size) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  auto names = list_xattr(mount_of(request), **inode);
  if (!names) return reply_error(request, names.error());
  std::string list;
  for (const std::string& name : *names) list.append(name.c_str(), name.size() + 1);
  reply_sized(request, list.data(), list.size(), size);
}

void op_setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value, size_t size,
                 int flags) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  const XattrChange change{name, as_bytes({value, size}), flags, request_kills_sgid_with_acl()};
  const Status status = set_xattr(mount_of(request), **inode, change);
  // A list is mode, too: the kernel thinks of that only where it enforces lists itself.
  if (name == xattr_name::kAccessAcl) forget_attributes(request, **inode);
  reply_status(request, status);
}

void op_removexattr(fuse_req_t request, fuse_ino_t node, const char* name) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  const Status status = remove_xattr(mount_of(request), **inode, name);
  if (status && name == xattr_name::kCapability) (*inode)->note_capability_taken(fuse_req_ctx(request)->pid);
  reply_status(request, status);
}

}  // namespace

void add_xattr_ops(fuse_lowlevel_ops& ops) {
  ops.getxattr = guarded<op_getxattr>;
  ops.listxattr = guarded<op_listxattr>;
  ops.setxattr = guarded<op_setxattr>;
  ops.removexattr = guarded<op_removexattr>;
}

}  // namespace butterfuse
