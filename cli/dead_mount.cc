// DeadMount: found in the mount table.
#include "cli/dead_mount.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "cli/mount_point.h"
#include "core/base/mount_table.h"

namespace butterfuse {
namespace {

constexpr int kAnswerMs = 1000, kLookEveryMs = 5;

}  // namespace

// ECONNABORTED: our helper has ended the connection of a daemon that was killed.
bool is_dead_mount(const Error& error) { return error.code == ENOTCONN || error.code == ECONNABORTED; }

// A mount that hangs holds up the child alone, which can be killed.
bool is_dead_mount(const MountEntry& mount) {
  if (!mount.type.starts_with("fuse")) return false;
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    struct stat info {};
    _exit(::stat(mount.mount_point.c_str(), &info) != 0 && errno == ENOTCONN ? 0 : 1);
  }
  int status = -1;
  pid_t ended = 0;
  for (int waited = 0; ended == 0 && waited < kAnswerMs; waited += kLookEveryMs) {
    ended = ::waitpid(child, &status, WNOHANG);
    if (ended == 0) std::this_thread::sleep_for(std::chrono::milliseconds(kLookEveryMs));
  }
  if (ended != 0) return status == 0;
  ::kill(child, SIGKILL);
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return false;
}

Error with_dead_mount(Error error, const std::string& path) {
  if (!is_dead_mount(error)) return error;
  const auto table = read_mount_table();
  const MountEntry* mount = find_mount_of(table, unasked_mount_point(path));
  if (mount != nullptr && !mount->type.starts_with("fuse")) mount = nullptr;  // not found behind links
  const std::string place = mount != nullptr ? mount->mount_point : path;
  const char* const whose = mount != nullptr && mount->is_butterfuse_by_type() ? " (butterfuse)" : "";
  return {ENOTCONN, fmt::format("{}: a dead mount is at {}{}: its daemon has ended. \"butterfuse umount {}\" takes it away", path,
                                place, whose, place)};
}

}  // namespace butterfuse
