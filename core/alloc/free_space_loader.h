// FreeSpaceLoader: a block group's free space from the trees: from its items, or as what no extent item
// covers.
#pragma once

#include "core/alloc/free_space.h"
#include "core/btree/cursor.h"

namespace butterfuse {

// Adds to `into` what no EXTENT_ITEM or METADATA_ITEM of the block group covers. EUCLEAN when extents overlap
// or leave the group.
Status scan_extent_tree(CursorBase& cursor, ByteRange group, uint32_t sectorsize, uint32_t nodesize,
                        FreeSpace& into);

}  // namespace butterfuse
