// statfs: how big and how full the file system is.
#pragma once

#include <sys/statvfs.h>

#include "fs/vfs/mount.h"

namespace butterfuse {

struct statvfs get_statfs(Mount& mount);

}  // namespace butterfuse
