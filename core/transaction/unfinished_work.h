// SPDX-License-Identifier: GPL-2.0-or-later
// Unfinished work: what the kernel began on a file system and will go on with, so that nobody else may write.
#pragma once

#include "core/btree/tree.h"

namespace butterfuse {

// EROFS where a device is being replaced: what is copied already would miss our writes, and the kernel goes
// on behind it. EROFS where a balance left relocation trees, which the kernel merges into the subvolumes as
// they were when it stopped.
Status check_nothing_unfinished(Tree& device_tree, Tree& root_tree);
// The half about the device replace.
Status check_no_replace(Tree& device_tree);

}  // namespace butterfuse
