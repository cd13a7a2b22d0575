// SPDX-License-Identifier: GPL-2.0-or-later
// OpenRules: how the kernel is to treat a file that is open.
#pragma once

#include "fs/data/file.h"

namespace butterfuse {

// With the kernel's writeback cache a descriptor that is opened for writing only is read from as well, to
// fill partial pages: here it is open for both. `flags` and the answer as of open(2).
int engine_flags(const Mount& mount, int flags);

struct OpenRules {
  bool direct_io = false;  // nothing is cached
  bool noflush = false;    // close(2) is not asked about
};
// `flags`: of open(2), as the program gave them.
OpenRules rules_of_open(Mount& mount, const OpenFile& file, int flags);

}  // namespace butterfuse
