// MountPoint: resolving paths, and telling dead mounts.
#include "cli/mount_point.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "cli/dead_mount.h"
#include "fs/fuse/session.h"

namespace butterfuse {
namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as the kernel

Result<std::string> fuse_descriptor(const std::string& path) {
  constexpr unsigned kMiscMajor = 10, kFuseMinor = 229;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return make_error(errno, "{}: {}", path, std::strerror(errno));
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(kMiscMajor, kFuseMinor))
    return make_error(ENODEV, "{}: not /dev/fuse, with which the caller has mounted something", path);
  return path;
}

}  // namespace

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
    if (::stat(made.c_str(), &info) == 0 || errno != ENOENT)
      continue;  // usable_mount_point tells what is wrong
    if (::mkdir(made.c_str(), mode) != 0 && errno != EEXIST)
      return make_error(errno, "can't make the mount point {}: {}", path, std::strerror(errno));
  }
  return {};
}

// What ".." leads out of, and a link leads to, only the kernel can tell. A mount is no symbolic link: that much it says of a
// dead one, too.
std::string unasked_mount_point(const std::string& path) {
  std::error_code error;
  fs::path place = fs::absolute(path, error);
  if (error) return path;
  for (int links = 0; links < kLinksMax; ++links) {
    while (place.has_relative_path() && (!place.has_filename() || place.filename() == "."))
      place = place.parent_path();
    if (place.filename() == "..") {
      const fs::path found = fs::canonical(place, error);
      return error ? place.string() : found.string();
    }
    const fs::path folder = fs::canonical(place.parent_path(), error);
    if (error) return place.string();
    place = folder / place.filename();
    char target[PATH_MAX];  // std::filesystem would ask what it is first
    const ssize_t length = ::readlink(place.c_str(), target, sizeof target);
    if (length < 0) break;
    place = folder / std::string_view(target, static_cast<size_t>(length));
  }
  return place.string();
}

}  // namespace butterfuse
