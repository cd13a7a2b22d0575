// SPDX-License-Identifier: GPL-2.0-or-later
// UnaskedStat: statx(2) without synchronization, openat2(2) from the kernel's caches, a child for the rest.
#include "core/base/unasked_stat.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/answer_in_time.h"

namespace butterfuse {
namespace {

std::optional<struct stat> known_stat(int folder, const char* path, int flags) {
  struct statx known {};
  constexpr unsigned kWanted = STATX_TYPE | STATX_INO;
  if (::statx(folder, path, flags | AT_STATX_DONT_SYNC, kWanted, &known) != 0) return std::nullopt;
  struct stat info {};
  info.st_mode = known.stx_mode;
  info.st_ino = known.stx_ino;
  info.st_dev = makedev(known.stx_dev_major, known.stx_dev_minor);
  info.st_rdev = makedev(known.stx_rdev_major, known.stx_rdev_minor);
  return info;
}

struct Told {
  int code = 0;
  struct stat info {};
};

}  // namespace

std::optional<struct stat> stat_of_open_file(const std::string& path) {
  return known_stat(AT_FDCWD, path.c_str(), 0);
}

// Most names are in the kernel's caches (Linux 5.12 says so); what is not may be a question.
std::optional<struct stat> stat_in_time(const std::string& path, const RootFolder& root) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_CACHED | (root.descriptor >= 0 ? RESOLVE_IN_ROOT : 0);
  const int from = root.descriptor >= 0 ? root.descriptor : AT_FDCWD;
  const std::string full = root.path + path;
  const char* const name = root.descriptor >= 0 ? path.c_str() : full.c_str();
  const auto file = static_cast<int>(::syscall(SYS_openat2, from, name, &how, sizeof how));
  if (file >= 0) {
    const auto info = known_stat(file, "", AT_EMPTY_PATH);
    ::close(file);
    return info;
  }
  if (errno == ENOENT) return std::nullopt;
  const auto told = answer_in_time<Told>(full, [asked = full.c_str()](Told& answer) {
    if (::stat(asked, &answer.info) != 0) answer.code = errno;
  });
  return told && told->code == 0 ? std::optional(told->info) : std::nullopt;
}

// The kernel may still know what stat(2) asks of a mount whose server is gone. A question that was on its way
// when the server ended is answered with ECONNABORTED, later ones with ENOTCONN.
bool is_dead_mount_at(const std::string& path) {
  const auto code = answer_in_time<int>(path, [asked = path.c_str()](int& answer) {
    struct statx info {};
    answer = ::statx(AT_FDCWD, asked, AT_STATX_FORCE_SYNC, STATX_TYPE, &info) != 0 ? errno : 0;
  });
  return code && (*code == ENOTCONN || *code == ECONNABORTED);
}

}  // namespace butterfuse
