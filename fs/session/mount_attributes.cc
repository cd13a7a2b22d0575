// SPDX-License-Identifier: GPL-2.0-or-later
// MountAttributes: mount_setattr(2), which changes one flag and leaves the others.
#include "fs/session/mount_attributes.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace butterfuse {
namespace {

// As in <linux/mount.h>, which can't be included beside <sys/mount.h>.
struct MountAttributes {
  uint64_t set, clear, propagation, user_namespace;
};
constexpr uint64_t kNoSymFollow = 0x200000;

}  // namespace

Status forbid_symlinks(const std::string& mountpoint) {
  MountAttributes attributes{.set = kNoSymFollow, .clear = 0, .propagation = 0, .user_namespace = 0};
  if (::syscall(SYS_mount_setattr, AT_FDCWD, mountpoint.c_str(), 0, &attributes, sizeof(attributes)) == 0)
    return {};
  return make_error(errno, "mount option 'nosymfollow' can't be had: {} (it needs root, and Linux 5.14)",
                    std::strerror(errno));
}

}  // namespace butterfuse
