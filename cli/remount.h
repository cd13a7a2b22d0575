// SPDX-License-Identifier: GPL-2.0-or-later
// Remount: what `mount -o remount,...` changes of a mount that lives.
#pragma once

#include <string>

#include "fs/options/options.h"

namespace butterfuse {

// The kernel changes what it keeps itself: ro and rw, suid, dev, exec, sync, symfollow; what is not named
// stays. Going read-only, all is committed first; what can't be written does not become rw (EROFS). Other
// options may only repeat what the mount lives under: else ENOTSUP, and EINVAL for what no mount knows.
Status remount(const std::string& path, const std::vector<std::string>& options);
// One of the options is `remount`.
bool is_remount(const std::vector<std::string>& options);

}  // namespace butterfuse
