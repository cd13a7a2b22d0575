// ExtentRef: who references an extent, in the four forms the extent tree knows.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/btree/cow_context.h"

namespace butterfuse {

// The identity of one back reference. Only the fields its type uses are set, so that == and < compare
// identities: TREE_BLOCK_REF root; SHARED_BLOCK_REF and SHARED_DATA_REF parent; EXTENT_DATA_REF root,
// objectid, offset.
struct ExtentRef {
  uint8_t type = 0;  // key_type::
  uint64_t root = 0;
  uint64_t objectid = 0;
  uint64_t offset = 0;
  uint64_t parent = 0;

  static ExtentRef of(const TreeRef& ref);
  static ExtentRef of(const DataRef& ref);
  bool is_data() const;
  // The offset of the key of a keyed reference (EXTENT_DATA_REF: its hash, before collisions), and what
  // inline references of one type are sorted by, descending.
  uint64_t sequence() const;
  uint32_t inline_bytes() const;
  friend auto operator<=>(const ExtentRef&, const ExtentRef&) = default;
};

std::string to_text(const ExtentRef& ref);

struct ExtentRefHash {
  size_t operator()(const ExtentRef& ref) const;
};

}  // namespace butterfuse
