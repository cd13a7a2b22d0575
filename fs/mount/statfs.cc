// SPDX-License-Identifier: GPL-2.0-or-later
// statfs: the allocator's numbers in blocks.
#include "fs/mount/statfs.h"

namespace butterfuse {

struct statvfs get_statfs(Mount& mount) {
  const StatfsNumbers numbers = mount.filesystem().allocator().statfs();
  struct statvfs result {};
  result.f_bsize = result.f_frsize = mount.filesystem().sectorsize();
  result.f_blocks = numbers.total / result.f_bsize;
  result.f_bfree = numbers.free / result.f_bsize;
  result.f_bavail = numbers.available / result.f_bsize;
  result.f_namemax = kNameMax;
  return result;
}

}  // namespace butterfuse
