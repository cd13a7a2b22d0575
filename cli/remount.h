// Remount: what `mount -o remount,...` changes of a mount that lives.
#pragma once

#include <string>

#include "fs/vfs/options.h"

namespace butterfuse {

// The kernel changes what it keeps itself: ro and rw, times, suid, dev, exec. Going read-only, all is
// committed first. Other options need a new mount: they are refused (ENOTSUP) by the parser where they can't
// be ignored.
Status remount(const std::string& mountpoint, const std::vector<std::string>& options);
// One of the options is `remount`.
bool is_remount(const std::vector<std::string>& options);

}  // namespace butterfuse
