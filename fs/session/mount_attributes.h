// SPDX-License-Identifier: GPL-2.0-or-later
// MountAttributes: flags of a mount that libfuse does not know, set behind mount(2).
#pragma once

#include <string>

#include "core/base/result.h"

namespace butterfuse {

// Symbolic links of the mount that one sees at this path are not followed from now on. EPERM for who may not
// change mounts, ENOSYS before Linux 5.12 and EINVAL before 5.14, told as an option that can't be had.
Status forbid_symlinks(const std::string& mountpoint);

}  // namespace butterfuse
