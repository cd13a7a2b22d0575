// SPDX-License-Identifier: GPL-2.0-or-later
// Name buckets: DIR_ITEM, DIR_INDEX and XATTR_ITEM items grow and shrink by the entries packed into them.
#pragma once

#include "core/btree/cursor.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse {

// Adds an entry to the bucket `key`, making the bucket if needed; the lengths in `head` are filled in.
// EEXIST when the name is there, EOVERFLOW when the item would not fit a leaf; then nothing has changed.
Status add_name_entry(WriteCursor& cursor, const Key& key, DiskDirItem head, std::string_view name,
                      ByteSpan value);
// Adds a DIR_INDEX, which never holds more than one entry. EEXIST when the key is taken.
Status add_single_entry(WriteCursor& cursor, const Key& key, DiskDirItem head, std::string_view name);
// Takes one entry out of the bucket under the cursor, and the bucket away with its last.
Status cut_name_entry(WriteCursor& cursor, const NameEntry& entry);

}  // namespace butterfuse
