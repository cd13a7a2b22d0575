// MountDaemon: a search through /proc, and a pidfd.
#include "cli/mount_daemon.h"

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
constexpr int kReapedWithinMs = 200;

enum class Connection { this_one, another, untold, none };

// What the process has to do with /dev/fuse.
Connection connection_of_process(const std::string& process, uint64_t wanted) {
  constexpr const char* kField = "fuse_connection:";
  Connection best = Connection::none;
  for_each_descriptor(process, [&](const std::string& number, const std::string& target) {
    if (target != "/dev/fuse" && !target.starts_with("/dev/fuse ")) return;
    std::ifstream info("/proc/" + process + "/fdinfo/" + number);
    Connection found = Connection::untold;
    for (std::string word; info >> word;) {
      uint64_t connection = 0;
      if (word != kField || !(info >> connection)) continue;
      found = connection == wanted ? Connection::this_one : Connection::another;
    }
    if (best != Connection::this_one) best = found;
  });
  return best;
}

bool has_open(const std::string& process, const struct stat& source) {
  bool found = false;
  for_each_descriptor(process, [&](const std::string& number, const std::string&) {
    struct stat info {};
    if (::stat(("/proc/" + process + "/fd/" + number).c_str(), &info) != 0) return;
    found |= S_ISBLK(source.st_mode) ? S_ISBLK(info.st_mode) && info.st_rdev == source.st_rdev
                                     : info.st_dev == source.st_dev && info.st_ino == source.st_ino;
  });
  return found;
}

std::optional<int32_t> exit_code_of(int descriptor) {
  PidfdInfo info{};
  info.mask = kInfoExit;
  if (::ioctl(descriptor, _IOWR(0xff, 11, PidfdInfo), &info) != 0 || !(info.mask & kInfoExit))
    return std::nullopt;
  return info.exit_code;
}

}  // namespace

std::optional<MountDaemon> MountDaemon::find(const MountEntry& mount) {
  struct stat source {};
  const bool has_source = ::stat(mount.source.c_str(), &source) == 0;
  pid_t exact = 0, likely = 0;
  for (const pid_t pid : processes()) {
    const std::string process = std::to_string(pid);
    const Connection connection = connection_of_process(process, mount.fuse_connection());
    if (connection == Connection::this_one) exact = pid;
    if (connection == Connection::untold && has_source && has_open(process, source)) likely = pid;
  }
  const pid_t pid = exact != 0 ? exact : likely;
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
