// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE init, which names what we can do and how much at a time; and the table of all operations.
#include "fs/fuse/ops.h"
#include "fs/fuse/told_owner.h"

namespace butterfuse {
namespace {

// While the kernel copies a request it keeps the processor from all others: longer writes are hardly faster,
// and make everyone else's wait. With 256 KiB one user's 4 KiB writes beside another's writer took 306 us
// (p99), with 128 KiB 218.
constexpr unsigned kWriteBytes = 128u << 10;
constexpr unsigned kReadaheadBytes = 1u << 20;  // as long as the longest read (features.cc)
// The kernel's own writes and read-aheads at a time: a sixth of the workers there are (fs/session), so that
// they keep none from whoever waits for an answer. At three quarters of it, the kernel's own ratio, it holds
// back who makes more of them.
constexpr unsigned kBackgroundRequests = 16;

// The protocol of the first kernel that zeroes pages behind the end (ClippedEnds), or of one before.
constexpr unsigned kMinorThatClips = 44;

void want(fuse_conn_info& connection, unsigned capability, bool on) {
  if (on && (connection.capable & capability)) connection.want |= capability;
  if (!on) connection.want &= ~capability;
}

void op_init(void* userdata, fuse_conn_info* connection) {
  auto& context = *static_cast<FuseContext*>(userdata);
  const MountOptions& options = context.mount.options();
  want(*connection, FUSE_CAP_WRITEBACK_CACHE, options.writeback_cache);
  // Access control lists: the kernel enforces them, and leaves the umask of new inodes to us.
  want(*connection, FUSE_CAP_POSIX_ACL, options.acl && options.default_permissions);
  want(*connection, FUSE_CAP_DONT_MASK, options.acl);
  for (unsigned capability : {FUSE_CAP_ASYNC_READ, FUSE_CAP_ATOMIC_O_TRUNC, FUSE_CAP_EXPORT_SUPPORT,
                              FUSE_CAP_READDIRPLUS, FUSE_CAP_IOCTL_DIR, FUSE_CAP_PARALLEL_DIROPS}) {
    want(*connection, capability, true);
  }
  // Attributes come with each listing. "Auto" has them come with its first part only, until somebody looks
  // one up: who walks, or deletes a tree, then looks up nearly every file.
  want(*connection, FUSE_CAP_READDIRPLUS_AUTO, false);
  // A target that the kernel keeps is one whose reading we do not see.
  want(*connection, FUSE_CAP_CACHE_SYMLINKS,
       options.atime == AtimeMode::noatime || context.mount.is_read_only());
  // The kernel does not drop what it has cached of a range behind an asynchronous direct write to it, and a
  // reader that came meanwhile would see the old bytes for good.
  want(*connection, FUSE_CAP_ASYNC_DIO, false);
  // Data goes from libfuse's buffer into our pages and back in one copy; a pipe in between would only add
  // one. Privileges are dropped by version 2 (features.h), if at all. The kernel must not drop its cache
  // when mtime changes: we change it.
  for (unsigned capability : {FUSE_CAP_SPLICE_READ, FUSE_CAP_SPLICE_WRITE, FUSE_CAP_SPLICE_MOVE,
                              FUSE_CAP_HANDLE_KILLPRIV, FUSE_CAP_AUTO_INVAL_DATA}) {
    want(*connection, capability, false);
  }
  connection->max_write = kWriteBytes;
  connection->max_read = options.max_read_bytes;  // as it was mounted
  connection->max_readahead = kReadaheadBytes;
  connection->max_background = kBackgroundRequests;
  connection->congestion_threshold = kBackgroundRequests * 3 / 4;
  // Times are stored in nanoseconds.
  connection->time_gran = 1;
  // Where its cache knows the size it sees to its pages itself.
  context.kernel_clips_ends = connection->proto_minor >= kMinorThatClips && !options.writeback_cache;
  context.top_lesson = TopLesson::begin(context.mount, context.mountpoint);
  if (context.on_live) context.on_live();
}

}  // namespace

fuse_lowlevel_ops all_operations() {
  fuse_lowlevel_ops ops{};
  ops.init = op_init;
  add_lookup_ops(ops);
  add_attr_ops(ops);
  add_namespace_ops(ops);
  add_file_ops(ops);
  add_range_ops(ops);
  add_ioctl_ops(ops);
  add_dir_ops(ops);
  add_xattr_ops(ops);
  add_statfs_ops(ops);
  return ops;
}

}  // namespace butterfuse
