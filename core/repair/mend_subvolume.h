// SPDX-License-Identifier: GPL-2.0-or-later
// mend_subvolume: brings names, inodes and sizes of one subvolume into agreement.
#pragma once

#include "core/survey/forest.h"
#include "core/survey/report.h"
#include "core/transaction/filesystem.h"

namespace butterfuse::repair {

// What the items say most often, of inodes that exist, wins; inodes without a name get one in "lost+found".
// Begins transaction handles of its own: the caller holds none, and no tree lock. Returns how many things
// were changed; each is reported.
Result<uint64_t> mend_subvolume(Filesystem& filesystem, Tree& tree, const Report& report);

}  // namespace butterfuse::repair
