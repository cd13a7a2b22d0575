// MountHelp: the mount options, for `mount --help`.
#pragma once

#include <string>

namespace butterfuse {

// All rows of fs/vfs/option_table.h, group by group.
std::string mount_option_help();

}  // namespace butterfuse
