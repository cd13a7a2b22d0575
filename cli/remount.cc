// Remount: mount(2) with MS_REMOUNT, on behalf of mount(8).
#include "cli/remount.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

namespace butterfuse {
namespace {

struct MountFlag {
  std::string_view name;
  unsigned long set, clear;
};
constexpr MountFlag kFlags[] = {
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"noatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME},
    {"relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME},
    {"strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
    {"nosuid", MS_NOSUID, 0},
    {"suid", 0, MS_NOSUID},
    {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV},
    {"noexec", MS_NOEXEC, 0},
    {"exec", 0, MS_NOEXEC},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
};

template <class Visit>
void for_each_word(const std::vector<std::string>& options, Visit visit) {
  for (std::string_view text : options) {
    while (!text.empty()) {
      const std::string_view word = text.substr(0, text.find(','));
      text.remove_prefix(std::min(text.size(), word.size() + 1));
      if (!word.empty()) visit(word);
    }
  }
}

Status commit_mount(const std::string& mountpoint) {
  const int directory = ::open(mountpoint.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return make_error(errno, "{}: {}", mountpoint, std::strerror(errno));
  const int result = ::ioctl(directory, BTRFS_IOC_SYNC);
  const int code = result < 0 ? errno : 0;
  ::close(directory);
  return code == 0 ? Status{} : make_error(code, "{}: sync: {}", mountpoint, std::strerror(code));
}

}  // namespace

bool is_remount(const std::vector<std::string>& options) {
  bool found = false;
  for_each_word(options, [&](std::string_view word) { found |= word == "remount"; });
  return found;
}

Status remount(const std::string& mountpoint, const std::vector<std::string>& options) {
  unsigned long flags = 0;
  for_each_word(options, [&](std::string_view word) {
    for (const MountFlag& flag : kFlags)
      if (word == flag.name) flags = (flags & ~flag.clear) | flag.set;
  });
  if (flags & MS_RDONLY) BF_TRY(commit_mount(mountpoint));
  if (::mount("none", mountpoint.c_str(), nullptr, MS_REMOUNT | flags, nullptr) == 0) return {};
  return make_error(errno, "{}: cannot remount: {}", mountpoint, std::strerror(errno));
}

}  // namespace butterfuse
