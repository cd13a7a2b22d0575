// SPDX-License-Identifier: GPL-2.0-or-later
// Back references: who uses an extent, in the four forms of the extent tree, inline or as items of their own.
#pragma once

#include <compare>
#include <optional>
#include <string>

#include "core/ondisk/format.h"
#include "core/ondisk/packed_walk.h"

namespace butterfuse {

// The identity of one back reference. Only the fields its type uses are set, so that == and < compare
// identities: TREE_BLOCK_REF root; SHARED_BLOCK_REF and SHARED_DATA_REF parent; EXTENT_DATA_REF root,
// objectid, offset. An EXTENT_OWNER_REF (root) is among inline references, but is none: it says who pays.
// A reference names either the tree that owns what refers to the extent, or (parent) the very tree block that
// does. The first form survives a copy of that block, the second is for blocks that several trees share.
struct ExtentRef {
  uint8_t type = 0;  // key_type::
  uint64_t root = 0;
  uint64_t objectid = 0;
  uint64_t offset = 0;
  uint64_t parent = 0;

  bool is_data() const;
  // The offset of the key of a keyed reference (EXTENT_DATA_REF: its hash, before collisions), and what
  // inline references of one type are sorted by, descending.
  uint64_t sequence() const;
  uint32_t inline_bytes() const;  // 0: no such type
  uint32_t keyed_bytes() const;
  friend auto operator<=>(const ExtentRef&, const ExtentRef&) = default;
};

std::string to_text(const ExtentRef& ref);

struct CountedRef {
  ExtentRef ref;
  uint32_t count = 1;  // above 1 for data references only; 0 for an owner
};

// One inline reference of an extent item. One of a type that has no inline form is of no known kind.
struct InlineRef : PackedEntry, CountedRef {
  size_t read(ByteSpan rest);
};
using InlineRefs = PackedWalk<InlineRef>;
// REQUIRES ref.inline_bytes() bytes.
void store_inline_ref(MutableByteSpan into, const CountedRef& counted);

// A reference that is an item of its own. Nothing where the item is too short or of another type.
std::optional<CountedRef> keyed_ref(const Key& key, ByteSpan item);
// REQUIRES ref.keyed_bytes() bytes.
void store_keyed_ref(MutableByteSpan into, const CountedRef& counted);

// An EXTENT_ITEM or METADATA_ITEM, taken apart.
struct ExtentItemParts {
  DiskExtentItem fixed{};
  std::optional<DiskTreeBlockInfo> block_info;  // of a tree block, where skinny-metadata is off
  ByteSpan inline_refs;                         // for InlineRefs
};
// Nothing where the item ends before its inline references begin.
std::optional<ExtentItemParts> extent_item_parts(const Key& key, ByteSpan item);

}  // namespace butterfuse
