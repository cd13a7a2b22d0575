// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE mknod, mkdir, symlink, link, unlink, rmdir, rename.
#include <sys/stat.h>

#include <fstream>

#include "fs/attributes/attr.h"
#include "fs/fuse/guarded.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/process.h"
#include "fs/inode/guards.h"
#include "fs/names/create.h"
#include "fs/names/link.h"
#include "fs/names/rename.h"
#include "fs/names/unlink.h"

namespace butterfuse {
namespace {

void create_and_reply(fuse_req_t request, fuse_ino_t parent, const char* name, NewInode what) {
  auto dir = inode_of(request, parent);
  if (!dir) return reply_error(request, dir.error());
  what.umask = umask_of(request);
  reply_entry(request, create(mount_of(request), **dir, name, what, caller_of(request)));
}

void op_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t rdev) {
  if ((mode & S_IFMT) == 0) mode |= S_IFREG;
  NewInode what;
  what.mode = mode;
  what.rdev = encode_rdev(rdev);
  create_and_reply(request, parent, name, what);
}

void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  NewInode what;
  what.mode = S_IFDIR | (mode & 07777);
  create_and_reply(request, parent, name, what);
}

void op_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  NewInode what;
  what.mode = S_IFLNK | 0777;
  what.target = target;
  create_and_reply(request, parent, name, what);
}

// fs.protected_hardlinks: a file that is not one's own needs the right to write it.
// The kernel looks at its mode only.
bool hardlinks_are_protected() {
  int level = 1;
  std::ifstream("/proc/sys/fs/protected_hardlinks") >> level;
  return level != 0;
}

Status check_may_link(fuse_req_t request, Inode& inode) {
  // The flag READONLY (of btrfs-convert) the kernel knows nothing of: it has asked for the mode only.
  if (check_not_readonly(inode) || !hardlinks_are_protected()) return {};
  if (owns_or_may_as_owner(mount_of(request), inode, credentials_of(fuse_req_ctx(request)->pid))) return {};
  return make_error(EPERM, "link to inode {} of another's, which has the READONLY flag", inode.ino());
}

void op_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t parent, const char* name) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  auto dir = inode_of(request, parent);
  if (!dir) return reply_error(request, dir.error());
  if (auto status = check_may_link(request, **inode); !status) return reply_error(request, status.error());
  if (auto status = link(mount_of(request), **inode, **dir, name); !status)
    return reply_error(request, status.error());
  reply_entry(request, inode);
}

void op_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  auto dir = inode_of(request, parent);
  if (!dir) return reply_error(request, dir.error());
  reply_status(request, unlink(mount_of(request), **dir, name));
}

void op_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  auto dir = inode_of(request, parent);
  if (!dir) return reply_error(request, dir.error());
  reply_status(request, rmdir(mount_of(request), **dir, name));
}

void op_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
               const char* new_name, unsigned flags) {
  auto dir = inode_of(request, parent);
  if (!dir) return reply_error(request, dir.error());
  auto new_dir = inode_of(request, new_parent);
  if (!new_dir) return reply_error(request, new_dir.error());
  reply_status(request,
               rename(mount_of(request), {**dir, name, **new_dir, new_name, flags, caller_of(request)}));
}

}  // namespace

void add_namespace_ops(fuse_lowlevel_ops& ops) {
  ops.mknod = guarded<op_mknod>;
  ops.mkdir = guarded<op_mkdir>;
  ops.symlink = guarded<op_symlink>;
  ops.link = guarded<op_link>;
  ops.unlink = guarded<op_unlink>;
  ops.rmdir = guarded<op_rmdir>;
  ops.rename = guarded<op_rename>;
}

}  // namespace butterfuse
