// MountPoint: a directory to mount on, or one that something is mounted on, dead or alive.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace butterfuse {

// Absolute and without symlinks; /dev/fd/N as it is, where that is /dev/fuse. ENOTCONN, with what to do,
// where a mount lies whose daemon has ended.
Result<std::string> usable_mount_point(const std::string& path);

// Makes the directory, and those above it, where they are missing, with these permissions as far as the umask
// lets them.
Status make_mount_point(const std::string& path, uint32_t mode);

// The same path without a question to what is mounted on it: only the folder it is in is looked at, and that of what a link
// leads to. Of one that ends in "..", or can't be resolved, that can't be promised: the latter stays as it was given.
std::string unasked_mount_point(const std::string& path);

}  // namespace butterfuse
