// SPDX-License-Identifier: GPL-2.0-or-later
// mend_csums: data that should have checksums and lost them gets new ones.
#pragma once

#include "core/survey/forest.h"
#include "core/survey/report.h"
#include "core/transaction/filesystem.h"

namespace butterfuse::repair {

// For one subvolume. What the data says now is taken for right: whether it is, nobody can tell any more.
// Returns how many parts of extents got some; data that can't be read is reported and left. Begins
// transaction handles of its own: the caller holds none, and no tree lock.
Result<uint64_t> mend_csums(Filesystem& filesystem, Tree& tree, const Report& report);

}  // namespace butterfuse::repair
