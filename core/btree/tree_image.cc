// SPDX-License-Identifier: GPL-2.0-or-later
// Packs items into full leaves, and blocks into nodes until one is left.
// The number of blocks depends on the lengths of items alone, and of nothing in them: so a caller may ask for
// it first, and fill in bytenrs afterwards.
#include "core/btree/tree_image.h"

#include <algorithm>
#include <span>

#include "core/base/assert.h"
#include "core/ondisk/format.h"

namespace butterfuse {
namespace {

using ItemSpan = std::span<const TreeItem>;

size_t room_in_block(uint32_t nodesize) { return nodesize - sizeof(DiskHeader); }
size_t pointers_in_node(uint32_t nodesize) { return room_in_block(nodesize) / sizeof(DiskKeyPtr); }
size_t bytes_in_leaf(const TreeItem& item) { return sizeof(DiskItem) + item.data.size(); }

std::vector<ItemSpan> split_into_leaves(ItemSpan items, uint32_t nodesize) {
  std::vector<ItemSpan> leaves;
  size_t first = 0, bytes = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (bytes + bytes_in_leaf(items[i]) > room_in_block(nodesize)) {
      leaves.push_back(items.subspan(first, i - first));
      first = i, bytes = 0;
    }
    bytes += bytes_in_leaf(items[i]);
  }
  leaves.push_back(items.subspan(first));
  return leaves;
}

// A block with its header, not yet checksummed.
BlockImage start_block(const BlockIdentity& identity, uint64_t owner, uint64_t bytenr, uint8_t level,
                       size_t count) {
  DiskHeader header{};
  std::ranges::copy(identity.fsid.bytes, header.fsid);
  std::ranges::copy(identity.chunk_tree_uuid.bytes, header.chunk_tree_uuid);
  header.bytenr = bytenr;
  header.flags = header_flag::kWritten | (header_flag::kMixedBackrefRev << header_flag::kBackrefRevShift);
  header.generation = identity.generation;
  header.owner = owner;
  header.nritems = static_cast<uint32_t>(count);
  header.level = level;
  BlockImage block{bytenr, level, {}, std::vector<std::byte>(identity.nodesize)};
  store(MutableByteSpan(block.bytes), header);
  return block;
}

void finish_block(const BlockIdentity& identity, BlockImage& block) {
  const CsumValue csum = checksum(identity.csum, ByteSpan(block.bytes).subspan(sizeof(DiskHeader::csum)));
  std::ranges::copy(csum, block.bytes.begin());
}

// Items grow from the header up, their data from the end of the block down.
BlockImage build_leaf(const BlockIdentity& identity, uint64_t owner, uint64_t bytenr, ItemSpan items) {
  BlockImage leaf = start_block(identity, owner, bytenr, 0, items.size());
  const MutableByteSpan body = MutableByteSpan(leaf.bytes).subspan(sizeof(DiskHeader));
  size_t data_start = body.size(), item_start = 0;
  for (const TreeItem& item : items) {
    data_start -= item.data.size();
    std::ranges::copy(item.data, body.begin() + static_cast<ptrdiff_t>(data_start));
    store(body.subspan(item_start),
          DiskItem{item.key, static_cast<uint32_t>(data_start), static_cast<uint32_t>(item.data.size())});
    item_start += sizeof(DiskItem);
  }
  if (!items.empty()) leaf.first_key = items.front().key;
  finish_block(identity, leaf);
  return leaf;
}

BlockImage build_node(const BlockIdentity& identity, uint64_t owner, uint64_t bytenr,
                      std::span<const BlockImage> children) {
  const auto level = static_cast<uint8_t>(children.front().level + 1);
  BlockImage node = start_block(identity, owner, bytenr, level, children.size());
  MutableByteSpan body = MutableByteSpan(node.bytes).subspan(sizeof(DiskHeader));
  for (const BlockImage& child : children) {
    store(body, DiskKeyPtr{child.first_key, child.bytenr, identity.generation});
    body = body.subspan(sizeof(DiskKeyPtr));
  }
  node.first_key = children.front().first_key;
  finish_block(identity, node);
  return node;
}

}  // namespace

std::vector<uint8_t> tree_block_levels(const std::vector<TreeItem>& items, uint32_t nodesize) {
  const size_t fanout = pointers_in_node(nodesize);
  size_t level_blocks = split_into_leaves(items, nodesize).size();
  std::vector<uint8_t> levels(level_blocks, 0);
  for (uint8_t level = 1; level_blocks > 1; ++level) {
    level_blocks = (level_blocks + fanout - 1) / fanout;
    levels.insert(levels.end(), level_blocks, level);
  }
  return levels;
}

std::vector<BlockImage> build_tree(const BlockIdentity& identity, uint64_t owner,
                                   const std::vector<TreeItem>& items, const std::vector<uint64_t>& bytenrs) {
  BF_ASSERT(bytenrs.size() == tree_block_levels(items, identity.nodesize).size(), "tree {}: {} bytenrs",
            owner, bytenrs.size());
  BF_ASSERT(std::ranges::adjacent_find(items, std::greater_equal<>(), &TreeItem::key) == items.end(),
            "items of tree {} are not in order", owner);
  std::vector<BlockImage> blocks;
  for (ItemSpan leaf : split_into_leaves(items, identity.nodesize))
    blocks.push_back(build_leaf(identity, owner, bytenrs[blocks.size()], leaf));
  const size_t fanout = pointers_in_node(identity.nodesize);
  for (size_t first = 0; blocks.size() - first > 1;) {
    const size_t end = blocks.size();
    for (; first < end; first += std::min(fanout, end - first)) {
      const std::span children(blocks.begin() + static_cast<ptrdiff_t>(first), std::min(fanout, end - first));
      blocks.push_back(build_node(identity, owner, bytenrs[blocks.size()], children));
    }
  }
  return blocks;
}

}  // namespace butterfuse
