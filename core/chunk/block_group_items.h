// SPDX-License-Identifier: GPL-2.0-or-later
// Block group items: (start BLOCK_GROUP_ITEM length), used bytes and flags; in block group or extent tree.
#pragma once

#include "core/base/byte_range.h"
#include "core/btree/cursor.h"
#include "core/btree/tree.h"
#include "core/volume/volume.h"

namespace butterfuse {

constexpr Key block_group_key(ByteRange group) {
  return {group.start, key_type::kBlockGroupItem, group.length()};
}

// The item of the chunk's block group, checked against the chunk. EUCLEAN when missing or contradictory.
Result<DiskBlockGroupItem> read_block_group_item(CursorBase& cursor, const ChunkMapping& chunk);
// EUCLEAN when the block group tree has an item for which `volume` has no chunk. Only for a tree of its own:
// the extent tree holds other items as well.
Status check_block_groups_have_chunks(CursorBase& cursor, const Volume& volume);

Status insert_block_group_item(CowContext& context, Tree& tree, const ChunkMapping& chunk, uint64_t used);
Status remove_block_group_item(CowContext& context, Tree& tree, ByteRange group);
Status update_block_group_item(WriteCursor& cursor, ByteRange group, uint64_t used);

}  // namespace butterfuse
