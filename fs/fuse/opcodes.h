// SPDX-License-Identifier: GPL-2.0-or-later
// Opcodes of newer kernels, which Debian 12's <linux/fuse.h> or libfuse 3.14 do not know.
#pragma once

#include <cstdint>

namespace butterfuse {

constexpr uint32_t kSyncfs = 50, kTmpfile = 51, kStatx = 52;  // the last is of Linux 6.6

// FUSE_COPY_FILE_RANGE_64 of Linux 6.18: the same request, answered with a count of 64 bits. A kernel that
// learns from two copies at a time that it is not known gives up the short form as well, for the whole mount,
// and copies through its own pages: nothing would be shared any more.
constexpr uint32_t kCopyFileRange64 = 53;

}  // namespace butterfuse
