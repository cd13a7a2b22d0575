// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentItem: one EXTENT_ITEM or METADATA_ITEM in native form, with its inline references.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/ondisk/backrefs.h"

namespace butterfuse {

// `refs` is the sum over all references, inline and keyed. Keyed ones are not here.
struct ExtentItem {
  uint64_t refs = 0;
  uint64_t generation = 0;
  uint64_t flags = 0;  // extent_flag::
  // A tree block's item has the first key and level behind it where skinny-metadata is off.
  bool has_block_info = false;
  Key first_key;
  uint8_t level = 0;
  // Ordered by type ascending, within a type by sequence() descending.
  std::vector<CountedRef> inline_refs;

  // EUCLEAN when the item is cut short or holds an unknown kind of reference.
  static Result<ExtentItem> decode(const Key& key, ByteSpan bytes);
  std::vector<std::byte> encode() const;
  uint32_t encoded_bytes() const;

  CountedRef* find(const ExtentRef& ref);  // null when it is not inline
  void erase(const ExtentRef& ref);
  void insert(const CountedRef& ref);  // at its place in the order
};

}  // namespace butterfuse
