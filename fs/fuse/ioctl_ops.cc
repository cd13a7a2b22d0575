// FUSE ioctl.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "fs/fuse/ops.h"
#include "fs/vfs/ioctl.h"

namespace butterfuse {
namespace {

constexpr int kCapSysAdmin = 21;

// Has the process CAP_SYS_ADMIN? Its status says so, in the kernel's own words.
bool has_admin_capability(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    const uint64_t capabilities = std::stoull(line.substr(7), nullptr, 16);
    return capabilities >> kCapSysAdmin & 1;
  }
  return false;
}

// Whoever serves the mount may do what it could do to the image itself.
bool may_administer(pid_t pid) {
  struct stat process {};
  if (stat(("/proc/" + std::to_string(pid)).c_str(), &process) == 0 && process.st_uid == geteuid())
    return true;
  return has_admin_capability(pid);
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

void add_ioctl_ops(fuse_lowlevel_ops& ops) { ops.ioctl = op_ioctl; }

}  // namespace butterfuse
