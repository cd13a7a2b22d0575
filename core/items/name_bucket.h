// Name buckets: DIR_ITEM, DIR_INDEX and XATTR_ITEM data, one or more named entries packed behind each other.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/result.h"
#include "core/btree/cursor.h"
#include "core/ondisk/format.h"

namespace butterfuse {

// One entry of a bucket. `name` and `value` point into the item.
struct NameEntry {
  uint32_t offset = 0;  // of the entry in the item
  uint32_t size = 0;    // head, name and value
  DiskDirItem head{};
  std::string_view name;
  ByteSpan value;
};

// The entry at `offset`. EUCLEAN when it runs over the end of the item. REQUIRES offset < item.size().
Result<NameEntry> name_entry_at(ByteSpan item, uint32_t offset);
// Names whose hashes collide share an item, so that finding one is walking all.
Result<std::optional<NameEntry>> find_name_entry(ByteSpan item, std::string_view name);

// Adds an entry to the bucket `key`, making the bucket if needed; the lengths in `head` are filled in.
// EEXIST when the name is there, EOVERFLOW when the item would not fit a leaf; then nothing has changed.
Status add_name_entry(WriteCursor& cursor, const Key& key, DiskDirItem head, std::string_view name,
                      ByteSpan value);
// Adds a DIR_INDEX, which never holds more than one entry. EEXIST when the key is taken.
Status add_single_entry(WriteCursor& cursor, const Key& key, DiskDirItem head, std::string_view name);
// Takes one entry out of the bucket under the cursor, and the bucket away with its last.
Status cut_name_entry(WriteCursor& cursor, const NameEntry& entry);

}  // namespace butterfuse
