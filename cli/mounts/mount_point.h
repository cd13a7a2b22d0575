// SPDX-License-Identifier: GPL-2.0-or-later
// MountPoint: a directory to mount on, or one that something is mounted on, dead or alive.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace butterfuse {

// Absolute and without symlinks; /dev/fd/N as it is, where that is /dev/fuse. ENOTCONN, with what to do,
// where a mount lies whose daemon has ended.
Result<std::string> usable_mount_point(const std::string& path);

// Makes the directory and those above it where they are missing, with these permissions less the umask.
Status make_mount_point(const std::string& path, uint32_t mode);

}  // namespace butterfuse
