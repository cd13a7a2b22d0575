// SPDX-License-Identifier: GPL-2.0-or-later
// MountDaemon: a search through /proc, and a pidfd.
//
// Who serves a mount is asked of three, the surest first: the helper, whose name is the mount's number and
// whose parent is the daemon; the process that has the mount's connection open, where the kernel says that
// (Linux 6.17); the one that has /dev/fuse and the source open, which is only likely. From then on a pidfd
// means that process, whoever has its number later.
#include "cli/mounts/mount_daemon.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "cli/process/processes.h"
#include "core/base/mount_process.h"
#include "core/base/unasked_stat.h"

namespace butterfuse {
namespace {

// struct pidfd_info of Linux 6.13, and what 6.15 added to its mask.
struct PidfdInfo {
  uint64_t mask, cgroup;
  uint32_t pid, tgid, ppid, uids[8];
  int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr uint64_t kInfoExit = 1u << 3;
// The parent of a daemon in the background is init, or what stands in for it, and takes note at once. One
// that never does costs an umount this long, and how the daemon ended stays unknown.
constexpr int kReapedWithinMs = 200;

bool has_open(const std::string& process, const struct stat& source) {
  bool found = false;
  for_each_descriptor(process, [&](const std::string& number, const std::string&) {
    const auto info = stat_of_open_file("/proc/" + process + "/fd/" + number);
    if (!info) return;
    found |= S_ISBLK(source.st_mode) ? S_ISBLK(info->st_mode) && info->st_rdev == source.st_rdev
                                     : info->st_dev == source.st_dev && info->st_ino == source.st_ino;
  });
  return found;
}

// Before Linux 6.17, and without a helper: it has the source open.
pid_t likely_daemon_of(const MountEntry& mount) {
  const auto source = stat_in_time(mount.source);
  if (!source) return 0;
  for (const pid_t pid : processes()) {
    const std::string process = std::to_string(pid);
    if (connection_of_process(pid, mount.fuse_connection()) == FuseConnection::untold &&
        has_open(process, *source))
      return pid;
  }
  return 0;
}

std::optional<int32_t> exit_code_of(int descriptor) {
  PidfdInfo info{};
  info.mask = kInfoExit;
  // PIDFD_GET_INFO. Older kernels do not know it: then nothing is told.
  if (::ioctl(descriptor, _IOWR(0xff, 11, PidfdInfo), &info) != 0 || !(info.mask & kInfoExit))
    return std::nullopt;
  return info.exit_code;
}

}  // namespace

std::optional<MountDaemon> MountDaemon::find(const MountEntry& mount) {
  pid_t pid = daemon_of_mount(mount.device);
  if (pid == 0) pid = likely_daemon_of(mount);
  const int descriptor = pid != 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1;
  if (descriptor < 0) return std::nullopt;
  return MountDaemon(pid, descriptor);
}

MountDaemon::MountDaemon(MountDaemon&& other) noexcept
    : pid_(other.pid_), descriptor_(std::exchange(other.descriptor_, -1)) {}

MountDaemon::~MountDaemon() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status MountDaemon::wait(int patience_ms) const {
  pollfd process{descriptor_, POLLIN, 0};
  const int ready = ::poll(&process, 1, patience_ms);
  if (ready < 0) return make_error(errno, "waiting for process {}: {}", pid_, std::strerror(errno));
  if (ready == 0) return make_error(ETIME, "process {} is still at work", pid_);
  // How it ended is told once its parent has taken note.
  std::optional<int32_t> code = exit_code_of(descriptor_);
  for (int waited = 0; !code && waited < kReapedWithinMs; waited += 10) {
    ::poll(nullptr, 0, 10);
    code = exit_code_of(descriptor_);
  }
  if (!code || *code == 0) return {};
  return make_error(
      EIO,
      "the daemon (process {}) ended with {} {}: what was written last may be missing; the system log "
      "has more",
      pid_, WIFSIGNALED(*code) ? "signal" : "status",
      WIFSIGNALED(*code) ? WTERMSIG(*code) : WEXITSTATUS(*code));
}

}  // namespace butterfuse
