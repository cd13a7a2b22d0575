// SPDX-License-Identifier: GPL-2.0-or-later
// EXTENT_DATA items up close: checked decoding, encoding, and what an item counts for. Private to this room.
#pragma once

#include "core/items/file_extent.h"

namespace butterfuse {

constexpr uint32_t kInlineHeadBytes = sizeof(DiskFileExtentInline);  // inline data starts here

constexpr Key file_extent_key(uint64_t ino, uint64_t start) { return {ino, key_type::kExtentData, start}; }
constexpr bool is_file_extent_of(const Key& key, uint64_t ino) {
  return key.objectid == ino && key.type == key_type::kExtentData;
}

// Decodes all but the inline data. EUCLEAN where surgery could not rely on it: sizes, alignment, wrap-around.
Result<FileExtent> checked_file_extent(const Key& key, ByteSpan item);

// The end of what the item keeps other items away from: an inline extent owns whole sectors.
uint64_t occupied_end(const FileExtent& extent);
// How much of the inode's nbytes `bytes` of this extent are: holes count nothing, prealloc counts.
uint64_t counted_bytes(const FileExtent& extent, uint64_t bytes);

// The reference the item makes to its extent on disk; nothing for holes and inline data.
std::optional<DataRef> data_ref_of(const Tree& tree, uint64_t ino, const FileExtent& extent);

DiskFileExtent encode_file_extent(const FileExtent& extent);
Status set_num_bytes(WriteCursor& cursor, uint64_t num_bytes);

// Reference changes of one operation, kept back until the tree is changed: copying a shared leaf adds a
// reference for each of its items first, which the drops then take away.
class RefChanges {
 public:
  void add(std::optional<DataRef> ref) {
    if (ref) added_.push_back(*ref);
  }
  void drop(std::optional<DataRef> ref) {
    if (ref) dropped_.push_back(*ref);
  }
  Status apply(TransactionHandle& handle) const;

 private:
  std::vector<DataRef> added_;
  std::vector<DataRef> dropped_;
};

}  // namespace butterfuse
