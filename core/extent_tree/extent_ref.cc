// SPDX-License-Identifier: GPL-2.0-or-later
// Forms of back references, from the calls of tree changes.
#include "core/extent_tree/extent_ref.h"

namespace butterfuse {

ExtentRef extent_ref_of(const TreeRef& ref) {
  if (ref.parent != 0) return {.type = key_type::kSharedBlockRef, .parent = ref.parent};
  return {.type = key_type::kTreeBlockRef, .root = ref.root};
}

ExtentRef extent_ref_of(const DataRef& ref) {
  if (ref.parent != 0) return {.type = key_type::kSharedDataRef, .parent = ref.parent};
  return {.type = key_type::kExtentDataRef, .root = ref.root, .objectid = ref.objectid, .offset = ref.offset};
}

size_t ExtentRefHash::operator()(const ExtentRef& ref) const {
  uint64_t hash = ref.type;
  for (uint64_t field : {ref.root, ref.objectid, ref.offset, ref.parent}) {
    hash = (hash ^ field) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace butterfuse
