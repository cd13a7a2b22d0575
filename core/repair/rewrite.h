// SPDX-License-Identifier: GPL-2.0-or-later
// rewrite_trees: puts a forest on disk: the trees that must be anew, what follows from them, a superblock.
#pragma once

#include "core/survey/forest.h"

namespace butterfuse::repair {

// Old blocks stay as they are where there is room elsewhere. The log tree is given up, and the free space
// tree is left empty and marked as not valid: Filesystem::rebuild_free_space_tree fills it. ENOSPC, EIO.
Status rewrite_trees(Volume& volume, Forest forest);

}  // namespace butterfuse::repair
