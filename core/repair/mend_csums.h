// mend_csums: data that should have checksums and lost them gets new ones.
#pragma once

#include "core/repair/forest.h"
#include "core/transaction/filesystem.h"

namespace butterfuse::repair {

// For one subvolume. What the data says now is taken for right: whether it is, nobody can tell any more.
// Returns how many extents got some; data that can't be read is reported and left.
Result<uint64_t> mend_csums(Filesystem& filesystem, Tree& tree, const Report& report);

}  // namespace butterfuse::repair
