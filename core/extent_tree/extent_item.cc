// SPDX-License-Identifier: GPL-2.0-or-later
// Decoding and encoding of extent items: fixed part, tree block info, then inline references in order.
//
//     │ refs, generation, flags │ key, level │ type, root │ type, root, objectid, offset, count │ ...
//       always                    blocks that  tree block   data reference; of a shared one type, parent,
//                                 aren't skinny   or parent     and the count behind it
#include "core/extent_tree/extent_item.h"

#include <algorithm>

namespace butterfuse {
namespace {

// The kernel stops looking for a reference where a later one would be: one that is out of order does
// not exist.
bool ordered_before(const CountedRef& a, const CountedRef& b) {
  if (a.ref.type != b.ref.type) return a.ref.type < b.ref.type;
  return a.ref.sequence() > b.ref.sequence();
}

}  // namespace

Result<ExtentItem> ExtentItem::decode(const Key& key, ByteSpan bytes) {
  const auto parts = extent_item_parts(key, bytes);
  if (!parts)
    return make_error(EUCLEAN, "extent item {}: cut short after {} bytes", to_text(key), bytes.size());
  ExtentItem item;
  item.refs = parts->fixed.refs, item.generation = parts->fixed.generation, item.flags = parts->fixed.flags;
  if (parts->block_info)
    item.has_block_info = true, item.first_key = parts->block_info->key,
    item.level = parts->block_info->level;
  InlineRefs refs(parts->inline_refs);
  while (refs.next()) {
    const InlineRef& ref = refs.entry();
    if (ref.ref.type == key_type::kExtentOwnerRef)
      return make_error(EUCLEAN, "extent item {}: has an owner, but simple quotas are not known",
                        to_text(key));
    item.inline_refs.push_back(ref);
  }
  if (refs.unknown_kind())
    return make_error(EUCLEAN, "extent item {}: unknown inline reference type {}", to_text(key),
                      refs.entry().ref.type);
  if (refs.stuck()) return make_error(EUCLEAN, "extent item {}: inline reference cut short", to_text(key));
  return item;
}

uint32_t ExtentItem::encoded_bytes() const {
  uint32_t bytes = sizeof(DiskExtentItem) + (has_block_info ? sizeof(DiskTreeBlockInfo) : 0);
  for (const CountedRef& ref : inline_refs) bytes += ref.ref.inline_bytes();
  return bytes;
}

std::vector<std::byte> ExtentItem::encode() const {
  std::vector<std::byte> result(encoded_bytes());
  MutableByteSpan into(result);
  store(into, DiskExtentItem{refs, generation, flags});
  into = into.subspan(sizeof(DiskExtentItem));
  if (has_block_info) {
    store(into, DiskTreeBlockInfo{first_key, level});
    into = into.subspan(sizeof(DiskTreeBlockInfo));
  }
  for (const CountedRef& ref : inline_refs) {
    store_inline_ref(into, ref);
    into = into.subspan(ref.ref.inline_bytes());
  }
  return result;
}

CountedRef* ExtentItem::find(const ExtentRef& ref) {
  for (CountedRef& counted : inline_refs)
    if (counted.ref == ref) return &counted;
  return nullptr;
}

void ExtentItem::erase(const ExtentRef& ref) {
  std::erase_if(inline_refs, [&ref](const CountedRef& counted) { return counted.ref == ref; });
}

void ExtentItem::insert(const CountedRef& ref) {
  inline_refs.insert(std::upper_bound(inline_refs.begin(), inline_refs.end(), ref, ordered_before), ref);
}

}  // namespace butterfuse
