// Decoding and encoding of extent items: fixed part, tree block info, then inline references in order.
#include "core/transaction/extent_item.h"

#include <algorithm>

namespace butterfuse {
namespace {

Result<CountedRef> decode_ref(const Key& key, ByteSpan bytes) {
  auto short_item = [&key] {
    return make_error(EUCLEAN, "extent item {}: inline reference cut short", to_text(key));
  };
  if (bytes.size() < sizeof(DiskExtentInlineRef)) return short_item();
  auto head = load<DiskExtentInlineRef>(bytes);
  CountedRef result;
  result.ref.type = head.type;
  switch (head.type) {
    case key_type::kTreeBlockRef:
      result.ref.root = head.offset;
      return result;
    case key_type::kSharedBlockRef:
      result.ref.parent = head.offset;
      return result;
    case key_type::kExtentDataRef: {
      if (bytes.size() < result.ref.inline_bytes()) return short_item();
      auto data = load<DiskExtentDataRef>(bytes.subspan(1));
      result.ref.root = data.root, result.ref.objectid = data.objectid, result.ref.offset = data.offset;
      result.count = data.count;
      return result;
    }
    case key_type::kSharedDataRef: {
      if (bytes.size() < result.ref.inline_bytes()) return short_item();
      result.ref.parent = head.offset;
      result.count = load<DiskSharedDataRef>(bytes.subspan(sizeof(DiskExtentInlineRef))).count;
      return result;
    }
    default:
      return make_error(EUCLEAN, "extent item {}: unknown inline reference type {}", to_text(key), head.type);
  }
}

void encode_ref(const CountedRef& counted, MutableByteSpan into) {
  const ExtentRef& ref = counted.ref;
  if (ref.type == key_type::kExtentDataRef) {
    into[0] = std::byte{ref.type};
    store(into.subspan(1), DiskExtentDataRef{ref.root, ref.objectid, ref.offset, counted.count});
    return;
  }
  uint64_t offset = ref.type == key_type::kTreeBlockRef ? ref.root : ref.parent;
  store(into, DiskExtentInlineRef{ref.type, offset});
  if (ref.type == key_type::kSharedDataRef)
    store(into.subspan(sizeof(DiskExtentInlineRef)), DiskSharedDataRef{counted.count});
}

bool ordered_before(const CountedRef& a, const CountedRef& b) {
  if (a.ref.type != b.ref.type) return a.ref.type < b.ref.type;
  return a.ref.sequence() > b.ref.sequence();
}

}  // namespace

Result<ExtentItem> ExtentItem::decode(const Key& key, ByteSpan bytes) {
  if (bytes.size() < sizeof(DiskExtentItem))
    return make_error(EUCLEAN, "extent item {}: {} bytes, want at least {}", to_text(key), bytes.size(),
                      sizeof(DiskExtentItem));
  auto disk = load<DiskExtentItem>(bytes);
  ExtentItem item;
  item.refs = disk.refs, item.generation = disk.generation, item.flags = disk.flags;
  bytes = bytes.subspan(sizeof(DiskExtentItem));
  if (key.type == key_type::kExtentItem && (item.flags & extent_flag::kTreeBlock)) {
    if (bytes.size() < sizeof(DiskTreeBlockInfo))
      return make_error(EUCLEAN, "extent item {}: no tree block info", to_text(key));
    auto info = load<DiskTreeBlockInfo>(bytes);
    item.has_block_info = true, item.first_key = info.key, item.level = info.level;
    bytes = bytes.subspan(sizeof(DiskTreeBlockInfo));
  }
  while (!bytes.empty()) {
    BF_ASSIGN(CountedRef ref, decode_ref(key, bytes));
    bytes = bytes.subspan(ref.ref.inline_bytes());
    item.inline_refs.push_back(ref);
  }
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
    encode_ref(ref, into);
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
