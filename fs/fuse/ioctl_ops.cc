// FUSE ioctl.
#include <unistd.h>

#include <algorithm>

#include "fs/fuse/guarded.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/process.h"
#include "fs/vfs/ioctl.h"

namespace butterfuse {
namespace {

// Whoever serves the mount may do what it could do to the image itself.
bool may_administer(pid_t pid) {
  return user_of_process(pid) == geteuid() || has_capability(pid, kCapSysAdmin);
}

void op_ioctl(fuse_req_t request, fuse_ino_t node, unsigned command, void*, fuse_file_info*, unsigned flags,
              const void* in, size_t in_bytes, size_t out_bytes) {
  if (flags & FUSE_IOCTL_COMPAT) return reply_error(request, {ENOSYS, "32-bit ioctl"});
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  const pid_t pid = fuse_req_ctx(request)->pid;
  const IoctlCall call{mount_of(request), **inode, {static_cast<const std::byte*>(in), in_bytes}, [pid] {
                         return may_administer(pid);
                       }};
  const auto answer = butterfuse::ioctl(command, call);
  if (!answer) return reply_error(request, answer.error());
  fuse_reply_ioctl(request, 0, answer->data(), std::min(answer->size(), out_bytes));
}

}  // namespace

void add_ioctl_ops(fuse_lowlevel_ops& ops) { ops.ioctl = guarded<op_ioctl>; }

}  // namespace butterfuse
