// SPDX-License-Identifier: GPL-2.0-or-later
// tree_checker: header, node and leaf shape of a tree block; the items are judged in the check_*_items files.
#include "core/ondisk/tree_checker.h"

#include <cerrno>

#include "core/ondisk/item_checks.h"

namespace butterfuse {

namespace {

template <class... Args>
tl::unexpected<Error> block_error(ByteSpan block, fmt::format_string<Args...> format, Args&&... args) {
  const DiskHeader& header = header_of(block);
  return make_error(EUCLEAN, "corrupt {}: root={} block={}, {}", header.level == 0 ? "leaf" : "node",
                    uint64_t{header.owner}, uint64_t{header.bytenr},
                    fmt::format(format, std::forward<Args>(args)...));
}

Status check_key_order(ByteSpan block, uint32_t slot, const Key& previous, const Key& key) {
  if (previous < key) return {};
  return block_error(block, "slot={}, bad key order, prev {} current {}", slot, to_text(previous),
                     to_text(key));
}

Status check_node(const TreeCheckContext& context, ByteSpan block) {
  const uint32_t most = static_cast<uint32_t>((block.size() - sizeof(DiskHeader)) / sizeof(DiskKeyPtr));
  NodeView node(block);
  if (node.count() == 0 || node.count() > most)
    return block_error(block, "invalid nritems, have {} want 1 to {}", node.count(), most);
  for (uint32_t slot = 0; slot < node.count(); ++slot) {
    const DiskKeyPtr& ptr = node.ptr(slot);
    const uint64_t bytenr = ptr.blockptr;
    if (bytenr == 0 || bytenr % context.sectorsize != 0)
      return block_error(block, "slot={}, invalid block pointer, have {} want a multiple of {} above 0", slot,
                         bytenr, context.sectorsize);
    // A block is never younger than the one that points to it, which was copied along with it. In one of the
    // running transaction it would pass for a block that is being changed.
    if (ptr.generation == 0 || ptr.generation > header_of(block).generation)
      return block_error(block, "slot={}, invalid pointer generation, have {} want 1 to {}", slot,
                         uint64_t{ptr.generation}, uint64_t{header_of(block).generation});
    if (slot > 0) BF_TRY(check_key_order(block, slot, node.key(slot - 1), node.key(slot)));
  }
  return {};
}

// Trees that hold at least one item from mkfs on. Others may be empty, and then are one empty leaf.
bool never_empty(uint64_t owner) {
  return owner == objectid::kRootTree || owner == objectid::kExtentTree || owner == objectid::kChunkTree ||
         owner == objectid::kDevTree || owner == objectid::kFsTree || owner == objectid::kDataRelocTree;
}

Status check_item_type(const ItemCheck& check) {
  switch (check.key.type) {
    case key_type::kInodeItem:
      return check_inode_item(check);
    case key_type::kInodeRef:
    case key_type::kInodeExtref:
      return check_inode_ref(check);
    case key_type::kDirItem:
    case key_type::kDirIndex:
    case key_type::kXattrItem:
      return check_dir_item(check);
    case key_type::kDirLogItem:
    case key_type::kDirLogIndex:
      return check.size_is(sizeof(DiskDirLogItem));
    case key_type::kExtentData:
      return check_file_extent(check);
    case key_type::kExtentCsum:
      return check_csum_item(check);
    case key_type::kRootItem:
      return check_root_item(check);
    case key_type::kRootRef:
    case key_type::kRootBackref:
      return check_root_ref(check);
    case key_type::kUuidSubvol:
    case key_type::kUuidReceivedSubvol:
      return check_uuid_item(check);
    case key_type::kChunkItem:
      return check_chunk(check);
    case key_type::kDevItem:
      return check_dev_item(check);
    case key_type::kDevExtent:
      return check_dev_extent(check);
    case key_type::kBlockGroupItem:
      return check_block_group_item(check);
    case key_type::kExtentItem:
    case key_type::kMetadataItem:
      return check_extent_item(check);
    case key_type::kTreeBlockRef:
    case key_type::kSharedBlockRef:
    case key_type::kExtentDataRef:
    case key_type::kSharedDataRef:
      return check_keyed_ref(check);
    case key_type::kFreeSpaceInfo:
    case key_type::kFreeSpaceExtent:
    case key_type::kFreeSpaceBitmap:
      return check_free_space_item(check);
    default:
      return {};  // opaque to us
  }
}

// Item headers grow from the front, their data from the back: the data of slot 0 ends the block, each next
// one ends where the one before it starts, and the last starts behind the headers.
Status check_leaf_shape(ByteSpan block) {
  const uint32_t data_bytes = static_cast<uint32_t>(block.size() - sizeof(DiskHeader));
  LeafView leaf(block);
  if (leaf.count() > data_bytes / sizeof(DiskItem))
    return block_error(block, "invalid nritems, have {} want at most {}", leaf.count(),
                       data_bytes / sizeof(DiskItem));
  const uint32_t headers_end = leaf.count() * static_cast<uint32_t>(sizeof(DiskItem));
  uint32_t want_end = data_bytes;
  for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
    const DiskItem& item = leaf.item(slot);
    if (slot > 0) BF_TRY(check_key_order(block, slot, leaf.key(slot - 1), leaf.key(slot)));
    const uint64_t end = uint64_t{item.offset} + item.size;
    if (end != want_end)
      return block_error(block, "slot={}, unexpected item end, have {} want {}", slot, end, want_end);
    if (item.offset < headers_end)
      return block_error(block, "slot={}, item data overlaps the item headers, have {} want at least {}",
                         slot, uint32_t{item.offset}, headers_end);
    want_end = item.offset;
  }
  return {};
}

Status check_leaf(const TreeCheckContext& context, ByteSpan block) {
  BF_TRY(check_leaf_shape(block));
  LeafView leaf(block);
  const uint64_t owner = header_of(block).owner;
  if (leaf.count() == 0 && context.depth == TreeCheckDepth::full) {
    if (owner == 0 || never_empty(owner))
      return block_error(block, "invalid nritems, this tree is never empty");
  }
  for (uint32_t slot = 0; slot < leaf.count(); ++slot)
    BF_TRY(check_item_type(ItemCheck{context, block, slot, leaf.key(slot), leaf.data(slot)}));
  return {};
}

}  // namespace

Status check_tree_block(const TreeCheckContext& context, ByteSpan block) {
  if (block.size() != context.nodesize || block.size() < sizeof(DiskHeader) || context.sectorsize == 0)
    return make_error(EUCLEAN, "corrupt tree block: {} bytes, nodesize {}", block.size(), context.nodesize);
  const DiskHeader& header = header_of(block);
  if (header.level >= kMaxLevel)
    return block_error(block, "invalid level, have {} want below {}", header.level, kMaxLevel);
  if (header.generation > context.generation)
    return block_error(block, "invalid generation, have {} want at most {}", uint64_t{header.generation},
                       context.generation);
  return header.level == 0 ? check_leaf(context, block) : check_node(context, block);
}

Status check_chunk_item(const TreeCheckContext& context, const Key& key, ByteSpan item) {
  return check_chunk(ItemCheck{context, {}, 0, key, item});
}

}  // namespace butterfuse
