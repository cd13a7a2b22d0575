// Block group items: (start BLOCK_GROUP_ITEM length) with used bytes and flags, in the block group or extent
// tree.
#pragma once

#include "core/alloc/allocator.h"

namespace butterfuse {

constexpr Key block_group_key(ByteRange group) {
  return {group.start, key_type::kBlockGroupItem, group.length()};
}

// The item of the chunk's block group, checked against the chunk. EUCLEAN when missing or contradictory.
Result<DiskBlockGroupItem> read_block_group_item(CursorBase& cursor, const ChunkMapping& chunk);
// EUCLEAN when the block group tree has an item whose chunk is not in `chunks`. Only for trees of nothing
// else.
Status check_block_groups_have_chunks(CursorBase& cursor, const Volume& volume);

Status insert_block_group_item(CowContext& context, Tree& tree, const ChunkMapping& chunk, uint64_t used);
Status remove_block_group_item(CowContext& context, Tree& tree, ByteRange group);
Status update_block_group_item(WriteCursor& cursor, ByteRange group, uint64_t used);

}  // namespace butterfuse
