// SPDX-License-Identifier: GPL-2.0-or-later
// OpenRules: the same for open, create and O_TMPFILE.
#include "fs/fuse/open_rules.h"

#include <fcntl.h>

namespace butterfuse {

int engine_flags(const Mount& mount, int flags) {
  if (!mount.options().writeback_cache) return flags;
  if ((flags & O_ACCMODE) == O_WRONLY) flags = (flags & ~O_ACCMODE) | O_RDWR;
  return flags;
}

OpenRules rules_of_open(Mount& mount, const OpenFile& file, int flags) {
  const int mode = flags & O_ACCMODE;
  OpenRules rules;
  // Errors of writeback are fsync's to tell, as with kernel btrfs: close(2) needs no question. But
  // the kernel writes out what a shared mapping, which needs reading and writing, made dirty only if
  // it need not be asked.
  rules.noflush = mode != O_RDWR;
  // The kernel would accept data we have no room for, and could only say so after write(2) had returned.
  // Shared mappings of such a file need DIRECT_IO_ALLOW_MMAP (features.cc).
  const bool no_room = mount.options().writeback_cache && mode != O_RDONLY && mount.space_is_low();
  rules.direct_io = no_room || file.only_appends;
  return rules;
}

}  // namespace butterfuse
