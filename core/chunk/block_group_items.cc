// SPDX-License-Identifier: GPL-2.0-or-later
// Block group items: reading, with distrust, and writing.
#include "core/chunk/block_group_items.h"

namespace butterfuse {

Result<DiskBlockGroupItem> read_block_group_item(CursorBase& cursor, const ChunkMapping& chunk) {
  const Key key = block_group_key(ByteRange::at(chunk.start, chunk.length));
  BF_ASSIGN(const bool found, cursor.seek(key));
  if (!found || cursor.data().size() < sizeof(DiskBlockGroupItem)) {
    return make_error(EUCLEAN, "chunk {} length {} has no block group item", chunk.start, chunk.length);
  }
  const auto item = cursor.as<DiskBlockGroupItem>();
  if (item.flags != chunk.type || item.used > chunk.length) {
    return make_error(EUCLEAN, "block group {}: flags {:#x} used {}, but its chunk has type {:#x} length {}",
                      chunk.start, uint64_t{item.flags}, uint64_t{item.used}, chunk.type, chunk.length);
  }
  return item;
}

Status check_block_groups_have_chunks(CursorBase& cursor, const Volume& volume) {
  BF_TRY(cursor.seek({0, 0, 0}));
  while (cursor.valid()) {
    const Key key = cursor.key();
    const auto chunk = key.type == key_type::kBlockGroupItem ? volume.chunk_at(key.objectid) : nullptr;
    if (chunk == nullptr || chunk->start != key.objectid || chunk->length != key.offset) {
      return make_error(EUCLEAN, "block group tree: {} has no chunk", to_text(key));
    }
    BF_TRY(cursor.next());
  }
  return {};
}

Status insert_block_group_item(CowContext& context, Tree& tree, const ChunkMapping& chunk, uint64_t used) {
  DiskBlockGroupItem item;
  item.used = used;
  item.chunk_objectid = objectid::kFirstChunkTree;
  item.flags = chunk.type;
  WriteCursor cursor(tree, context);
  return cursor.insert(block_group_key(ByteRange::at(chunk.start, chunk.length)), object_bytes(item));
}

Status remove_block_group_item(CowContext& context, Tree& tree, ByteRange group) {
  WriteCursor cursor(tree, context);
  BF_ASSIGN(const bool found, cursor.seek(block_group_key(group)));
  if (!found) return make_error(EUCLEAN, "block group {} has no item to remove", group.start);
  return cursor.remove();
}

Status update_block_group_item(WriteCursor& cursor, ByteRange group, uint64_t used) {
  BF_ASSIGN(const bool found, cursor.seek(block_group_key(group)));
  if (!found || cursor.data().size() < sizeof(DiskBlockGroupItem)) {
    return make_error(EUCLEAN, "block group {} has no item to update", group.start);
  }
  auto item = cursor.as<DiskBlockGroupItem>();
  if (item.used == used) return {};
  item.used = used;
  return cursor.replace(item);
}

}  // namespace butterfuse
