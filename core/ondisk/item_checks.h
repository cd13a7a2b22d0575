// SPDX-License-Identifier: GPL-2.0-or-later
// What the files of tree_checker share: the item under judgement, and how a refusal is worded.
#pragma once

#include <fmt/format.h>

#include <cerrno>

#include "core/base/byte_range.h"
#include "core/base/result.h"
#include "core/ondisk/leaf_view.h"
#include "core/ondisk/packed_walk.h"
#include "core/ondisk/tree_check_context.h"

namespace butterfuse {

struct ItemCheck {
  const TreeCheckContext& fs;
  ByteSpan block;  // the leaf; empty for an item outside of one (sys_chunk_array)
  uint32_t slot = 0;
  Key key;
  ByteSpan item;

  bool full() const { return fs.depth == TreeCheckDepth::full; }
  bool sector_aligned(uint64_t value) const { return value % fs.sectorsize == 0; }
  // The item may carry the generation of the transaction behind the one the superblock names: log trees do.
  bool too_young(uint64_t generation) const {
    return fs.generation != ~uint64_t{0} && generation > fs.generation + 1;
  }
  uint64_t owner() const {
    return block.empty() ? uint64_t{objectid::kChunkTree} : uint64_t{header_of(block).owner};
  }
  bool has_previous() const { return slot > 0; }
  Key previous_key() const { return LeafView(block).key(slot - 1); }         // REQUIRES has_previous()
  ByteSpan previous_item() const { return LeafView(block).data(slot - 1); }  // REQUIRES has_previous()

  template <class... Args>
  tl::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) const {
    uint64_t bytenr = block.empty() ? 0 : uint64_t{header_of(block).bytenr};
    return make_error(EUCLEAN, "corrupt leaf: root={} block={} slot={} {}, {}", owner(), bytenr, slot,
                      to_text(key), fmt::format(format, std::forward<Args>(args)...));
  }
  Status size_is(size_t want) const {
    if (item.size() == want) return {};
    return fail("invalid item size, have {} want {}", item.size(), want);
  }
  // `entries` has come to its end, which must be that of the item.
  template <class Entry>
  Status whole(const PackedWalk<Entry>& entries) const {
    if (!entries.stuck()) return {};
    if (entries.unknown_kind())
      return fail("entry of an unknown kind, {} bytes before the item's end", entries.left_bytes());
    return fail("entry crosses the end of the item, have {} bytes want {}", entries.left_bytes(),
                entries.wanted_bytes());
  }
};

inline bool is_fs_tree(uint64_t root) {
  return root == objectid::kFsTree || (root >= objectid::kFirstFree && root <= objectid::kLastFree);
}
// Subvolumes, and the tree that balance moves data in.
inline bool is_file_tree(uint64_t root) { return is_fs_tree(root) || root == objectid::kDataRelocTree; }
// Items that a file tree may have; those without type are the inode cache's.
constexpr bool is_fs_tree_item(const Key& key) {
  switch (key.type) {
    case key_type::kInodeItem:
    case key_type::kInodeRef:
    case key_type::kInodeExtref:
    case key_type::kXattrItem:
    case key_type::kVerityDesc:
    case key_type::kVerityMerkle:
    case key_type::kOrphanItem:
    case key_type::kDirItem:
    case key_type::kDirIndex:
    case key_type::kExtentData:
      return true;
    default:
      return key.type == 0 && (key.objectid == objectid::kFreeIno || key.objectid == objectid::kFreeSpace);
  }
}
constexpr bool is_power_of_two(uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }
// start + length does not overflow.
constexpr bool adds_up(uint64_t start, uint64_t length) { return length <= ~uint64_t{0} - start; }

// One function for each family of items. The leaf's shape, and all slots before this one, are good already.
Status check_inode_item(const ItemCheck& check);
Status check_inode_ref(const ItemCheck& check);  // also INODE_EXTREF
Status check_dir_item(const ItemCheck& check);   // also DIR_INDEX and XATTR_ITEM
Status check_file_extent(const ItemCheck& check);
Status check_csum_item(const ItemCheck& check);
Status check_root_item(const ItemCheck& check);
Status check_root_ref(const ItemCheck& check);
Status check_uuid_item(const ItemCheck& check);
Status check_chunk(const ItemCheck& check);
Status check_dev_item(const ItemCheck& check);
Status check_dev_extent(const ItemCheck& check);
Status check_block_group_item(const ItemCheck& check);
Status check_extent_item(const ItemCheck& check);  // also METADATA_ITEM
Status check_keyed_ref(const ItemCheck& check);    // the four types of backrefs that are items of their own
Status check_free_space_item(const ItemCheck& check);
// Items of one inode must lie behind another item of it, where that is certain.
Status check_previous_ino(const ItemCheck& check);

}  // namespace butterfuse
