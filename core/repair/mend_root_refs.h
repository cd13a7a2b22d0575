// SPDX-License-Identifier: GPL-2.0-or-later
// mend_root_refs: the two items that hang a subvolume into a directory agree.
#pragma once

#include "core/survey/forest.h"
#include "core/survey/report.h"
#include "core/transaction/filesystem.h"

namespace butterfuse::repair {

// A ROOT_REF without its ROOT_BACKREF gets one, and the other way round; of two that differ the one that a
// directory entry agrees with wins. Those of no subvolume go. Then each subvolume in use gets the directory
// entry that its reference speaks of, or one in the top directory ("lost-subvolume-N"). Returns how many
// things were changed. Begins transaction handles of its own: the caller holds none, and no tree lock.
Result<uint64_t> mend_root_refs(Filesystem& filesystem, const Report& report);

}  // namespace butterfuse::repair
