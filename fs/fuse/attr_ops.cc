// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE getattr and setattr.
//
// The kernel leaves to us what a change takes from a file (HANDLE_KILLPRIV_V2), and says so in three ways:
//
//   a flag in the request         write, truncate, truncating open of who lacks CAP_FSETID; chown
//   a setattr that sets nothing   chown to the owner that is; or a write, once its capability is removed
//   nothing at all                fallocate, copies (range_ops.cc)
//
// The second is the odd one: the two look alike, but chown takes set-user-id along, and a write of one with
// CAP_FSETID does not. What tells them apart is who took the capability last, and whether ctime is named.
#include "fs/data/set_attr.h"
#include "fs/fuse/guarded.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/process.h"
#include "fs/fuse/told_owner.h"
#include "fs/inode/clock.h"

namespace butterfuse {
namespace {

void reply_attr(fuse_req_t request, const struct stat& attr) {
  fuse_reply_attr(request, &attr, attr_seconds(mount_of(request)));
}

void op_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  reply_attr(request, shown_attr(context_of(request), **inode, fuse_req_ctx(request)->pid));
}

Timespec from_timespec(const timespec& time) { return {time.tv_sec, static_cast<uint32_t>(time.tv_nsec)}; }

// Of a touch the kernel says the time itself where it keeps the file's times
// (writeback_cache), at least mtime.
bool sets_times_to_now(int to_set, bool kernel_keeps_times) {
  constexpr int kBoth = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME;
  const int now = FUSE_SET_ATTR_ATIME_NOW | (kernel_keeps_times ? 0 : FUSE_SET_ATTR_MTIME_NOW);
  return (to_set & kBoth) == kBoth && (to_set & now) == now;
}

// ftruncate(2), which names its open file, sets mtime even when the size stays; truncate(2) does not.
AttrChange change_of(const struct stat& attr, int to_set, bool of_open_file) {
  AttrChange change;
  if (to_set & FUSE_SET_ATTR_MODE) change.mode = attr.st_mode;
  if (to_set & FUSE_SET_ATTR_UID) change.uid = attr.st_uid;
  if (to_set & FUSE_SET_ATTR_GID) change.gid = attr.st_gid;
  if (to_set & FUSE_SET_ATTR_SIZE) change.size = static_cast<uint64_t>(attr.st_size);
  if (to_set & FUSE_SET_ATTR_ATIME) change.atime = from_timespec(attr.st_atim);
  if (to_set & FUSE_SET_ATTR_MTIME) change.mtime = from_timespec(attr.st_mtim);
  if (to_set & FUSE_SET_ATTR_ATIME_NOW) change.atime = current_time();
  if (to_set & FUSE_SET_ATTR_MTIME_NOW) change.mtime = current_time();
  if (change.size && of_open_file && !change.mtime) change.mtime = current_time();
  if (to_set & FUSE_SET_ATTR_CTIME) change.ctime = from_timespec(attr.st_ctim);
  return change;
}

// A request that sets nothing asks for privileges to be taken: of chown(2) to the owner and group that are
// (where the kernel keeps times it names ctime), or of a write, behind the removal of capabilities.
bool only_takes_privileges(const Inode& inode, int to_set) {
  return !inode.is_dir() && (to_set & ~FUSE_SET_ATTR_CTIME) == 0;
}

// Does it take set-user-id and set-group-id along? chown(2) does, and is the owner's; the kernel, which
// sends no mode along, has not asked who it is. A write of one with CAP_FSETID does not. All other writes
// take them themselves, so that nothing is done here for who does not own the file: chown(2) by such a
// one changes nothing.
bool takes_suidgid_along(Mount& mount, Inode& inode, int to_set, pid_t pid) {
  if (!(inode.item().mode & (S_ISUID | S_ISGID))) return false;
  const Credentials who = credentials_of(pid);
  if (!owns_or_may_as_owner(mount, inode, who)) return false;
  const bool may_be_of_write = inode.lost_capability_to(pid) && !(to_set & FUSE_SET_ATTR_CTIME);
  return !may_be_of_write || !who.has(capability::kFsetid);
}

void op_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attr, int to_set, fuse_file_info* info) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  AttrChange change = change_of(*attr, to_set, info != nullptr);
  change.times_are_now = sets_times_to_now(to_set, mount_of(request).options().writeback_cache);
  const pid_t pid = fuse_req_ctx(request)->pid;
  change.takes_privileges = only_takes_privileges(**inode, to_set);
  if (change.times_are_now && ((*inode)->item().flags & inode_flag::kReadonly))
    change.by_stranger = !owns_or_may_as_owner(mount_of(request), **inode, credentials_of(pid));
  Caller asked = caller_of(request);
  asked.kill_suidgid |=
      change.takes_privileges && takes_suidgid_along(mount_of(request), **inode, to_set, pid);
  const Caller caller = with_told_losses(asked, (*inode)->item());
  change.kill_suidgid = caller.kill_suidgid;
  change.kill_sgid = caller.kill_sgid;
  Mount& mount = mount_of(request);
  auto status = set_attr(mount, **inode, change);
  if (status) return reply_attr(request, told_attr(mount, **inode));
  fuse_session* session = session_of(request);
  reply_error(request, status.error());
  // A truncation that stopped half-way: the kernel believes that nothing happened.
  if (change.size) forget_content(mount, session, **inode, {*change.size, INT64_MAX});
}

}  // namespace

void add_attr_ops(fuse_lowlevel_ops& ops) {
  ops.getattr = guarded<op_getattr>;
  ops.setattr = guarded<op_setattr>;
}

}  // namespace butterfuse
