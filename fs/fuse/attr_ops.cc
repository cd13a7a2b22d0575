// FUSE getattr and setattr.
#include "fs/fuse/guarded.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/process.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/clock.h"

namespace butterfuse {
namespace {

void reply_attr(fuse_req_t request, Inode& inode) {
  const struct stat attr = get_attr(mount_of(request), inode);
  fuse_reply_attr(request, &attr, kCacheSeconds);
}

void op_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  reply_attr(request, **inode);
}

Timespec from_timespec(const timespec& time) { return {time.tv_sec, static_cast<uint32_t>(time.tv_nsec)}; }

AttrChange change_of(const struct stat& attr, int to_set) {
  AttrChange change;
  if (to_set & FUSE_SET_ATTR_MODE) change.mode = attr.st_mode;
  if (to_set & FUSE_SET_ATTR_UID) change.uid = attr.st_uid;
  if (to_set & FUSE_SET_ATTR_GID) change.gid = attr.st_gid;
  if (to_set & FUSE_SET_ATTR_SIZE) change.size = static_cast<uint64_t>(attr.st_size);
  if (to_set & FUSE_SET_ATTR_ATIME) change.atime = from_timespec(attr.st_atim);
  if (to_set & FUSE_SET_ATTR_MTIME) change.mtime = from_timespec(attr.st_mtim);
  if (to_set & FUSE_SET_ATTR_ATIME_NOW) change.atime = current_time();
  if (to_set & FUSE_SET_ATTR_MTIME_NOW) change.mtime = current_time();
  if (to_set & FUSE_SET_ATTR_CTIME) change.ctime = from_timespec(attr.st_ctim);
  return change;
}

void op_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attr, int to_set, fuse_file_info*) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  AttrChange change = change_of(*attr, to_set);
  const Caller caller = with_told_losses(caller_of(request), (*inode)->item());
  change.kill_suidgid = caller.kill_suidgid;
  change.kill_sgid = caller.kill_sgid;
  auto status = set_attr(mount_of(request), **inode, change);
  if (!status) return reply_error(request, status.error());
  reply_attr(request, **inode);
}

}  // namespace

void add_attr_ops(fuse_lowlevel_ops& ops) {
  ops.getattr = guarded<op_getattr>;
  ops.setattr = guarded<op_setattr>;
}

}  // namespace butterfuse
