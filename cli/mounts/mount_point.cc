// SPDX-License-Identifier: GPL-2.0-or-later
// MountPoint: resolving paths, and telling dead mounts.
#include "cli/mounts/mount_point.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/mounts/dead_mount.h"
#include "fs/session/session.h"

namespace butterfuse {
namespace {

namespace fs = std::filesystem;

Result<std::string> fuse_descriptor(const std::string& path) {
  // The numbers that the kernel's list of devices gives to /dev/fuse.
  constexpr unsigned kMiscMajor = 10, kFuseMinor = 229;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return make_error(errno, "{}: {}", path, std::strerror(errno));
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(kMiscMajor, kFuseMinor))
    return make_error(ENODEV, "{}: not /dev/fuse, with which the caller has mounted something", path);
  return path;
}

}  // namespace

// An absolute path is needed since the daemon leaves this directory (Background::prepare), one without links
// since mount tables have it so: OwnMount finds the mount by it.
Result<std::string> usable_mount_point(const std::string& path) {
  if (fuse_descriptor_of(path)) return fuse_descriptor(path);
  std::error_code error;
  const fs::path absolute = fs::canonical(path, error);
  struct statx info {};
  int code = error.value();
  // The kernel may still know what stat(2) asks of a mount whose daemon is gone.
  if (code == 0 && ::statx(AT_FDCWD, absolute.c_str(), AT_STATX_FORCE_SYNC, STATX_TYPE, &info) != 0)
    code = errno;
  if (code != 0)
    return tl::unexpected(with_dead_mount({code, fmt::format("{}: {}", path, std::strerror(code))}, path));
  if (!S_ISDIR(info.stx_mode)) return make_error(ENOTDIR, "{}: not a directory", path);
  return absolute.string();
}

Status make_mount_point(const std::string& path, uint32_t mode) {
  fs::path made;
  for (const fs::path& part : fs::path(path)) {
    made /= part;
    struct stat info {};
    // Of anything else usable_mount_point tells what is wrong.
    if (::stat(made.c_str(), &info) == 0 || errno != ENOENT) continue;
    if (::mkdir(made.c_str(), mode) != 0 && errno != EEXIST)
      return make_error(errno, "can't make the mount point {}: {}", path, std::strerror(errno));
  }
  return {};
}

}  // namespace butterfuse
