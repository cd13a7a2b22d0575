// SPDX-License-Identifier: GPL-2.0-or-later
// Free space loader: a block group's free space, as what no extent item covers.
#pragma once

#include "core/btree/cursor.h"
#include "core/free_space/free_space.h"

namespace butterfuse {

// Adds to `into` what no EXTENT_ITEM or METADATA_ITEM of the block group covers. EUCLEAN when extents
// overlap or leave the group. Reads all extent items of the group: the way without a free space tree, and to
// make one anew.
Status scan_extent_tree(CursorBase& cursor, ByteRange group, uint32_t sectorsize, uint32_t nodesize,
                        FreeSpace& into);

}  // namespace butterfuse
