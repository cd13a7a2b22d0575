// SPDX-License-Identifier: GPL-2.0-or-later
// Back references: their bytes, inline and keyed, and their order.
#include "core/ondisk/backrefs.h"

#include <fmt/format.h>

#include "core/base/checksum.h"

namespace butterfuse {
namespace {

// The hash of an EXTENT_DATA_REF: one crc of the root, one of inode and offset, overlapping by one bit. The
// format has it so, though a shift by 32 would keep the two apart.
uint64_t data_ref_hash(const ExtentRef& ref) {
  const le64 root = ref.root, objectid = ref.objectid, offset = ref.offset;
  const uint64_t high = crc32c_raw(~uint32_t{0}, object_bytes(root));
  uint32_t low = crc32c_raw(~uint32_t{0}, object_bytes(objectid));
  low = crc32c_raw(low, object_bytes(offset));
  return (high << 31) ^ low;
}

// `bytes` are a DiskExtentDataRef, inline or keyed.
CountedRef data_ref(ByteSpan bytes) {
  const auto disk = load<DiskExtentDataRef>(bytes);
  return {
      {.type = key_type::kExtentDataRef, .root = disk.root, .objectid = disk.objectid, .offset = disk.offset},
      disk.count};
}

// All other types have one number, behind the type or in the key.
ExtentRef simple_ref(uint8_t type, uint64_t number) {
  const bool is_shared = type == key_type::kSharedBlockRef || type == key_type::kSharedDataRef;
  return is_shared ? ExtentRef{.type = type, .parent = number} : ExtentRef{.type = type, .root = number};
}

void store_data_ref(MutableByteSpan into, const CountedRef& counted) {
  const ExtentRef& ref = counted.ref;
  store(into, DiskExtentDataRef{ref.root, ref.objectid, ref.offset, counted.count});
}

}  // namespace

bool ExtentRef::is_data() const {
  return type == key_type::kExtentDataRef || type == key_type::kSharedDataRef;
}

uint64_t ExtentRef::sequence() const {
  switch (type) {
    case key_type::kTreeBlockRef:
    case key_type::kExtentOwnerRef:
      return root;
    case key_type::kExtentDataRef:
      return data_ref_hash(*this);
    default:
      return parent;
  }
}

uint32_t ExtentRef::inline_bytes() const {
  switch (type) {
    case key_type::kTreeBlockRef:
    case key_type::kSharedBlockRef:
    case key_type::kExtentOwnerRef:
      return sizeof(DiskExtentInlineRef);
    case key_type::kExtentDataRef:
      return 1 + sizeof(DiskExtentDataRef);
    case key_type::kSharedDataRef:
      return sizeof(DiskExtentInlineRef) + sizeof(DiskSharedDataRef);
    default:
      return 0;
  }
}

uint32_t ExtentRef::keyed_bytes() const {
  switch (type) {
    case key_type::kExtentDataRef:
      return sizeof(DiskExtentDataRef);
    case key_type::kSharedDataRef:
      return sizeof(DiskSharedDataRef);
    default:
      return 0;
  }
}

std::string to_text(const ExtentRef& ref) {
  switch (ref.type) {
    case key_type::kTreeBlockRef:
      return fmt::format("tree block ref root {}", ref.root);
    case key_type::kSharedBlockRef:
      return fmt::format("shared block ref parent {}", ref.parent);
    case key_type::kExtentDataRef:
      return fmt::format("extent data ref root {} objectid {} offset {}", ref.root, ref.objectid, ref.offset);
    case key_type::kSharedDataRef:
      return fmt::format("shared data ref parent {}", ref.parent);
    default:
      return fmt::format("ref of unknown type {}", ref.type);
  }
}

size_t InlineRef::read(ByteSpan rest) {
  ref = {.type = static_cast<uint8_t>(rest[0])};
  const size_t whole = ref.inline_bytes();
  if (whole == 0 || whole > rest.size()) return whole;
  if (ref.type == key_type::kExtentDataRef) {
    static_cast<CountedRef&>(*this) = data_ref(rest.subspan(1));
    return whole;
  }
  ref = simple_ref(ref.type, load<DiskExtentInlineRef>(rest).offset);
  count = ref.type == key_type::kExtentOwnerRef ? 0 : 1;
  if (ref.type == key_type::kSharedDataRef)
    count = load<DiskSharedDataRef>(rest.subspan(sizeof(DiskExtentInlineRef))).count;
  return whole;
}

void store_inline_ref(MutableByteSpan into, const CountedRef& counted) {
  const ExtentRef& ref = counted.ref;
  if (ref.type == key_type::kExtentDataRef) {
    into[0] = std::byte{ref.type};
    return store_data_ref(into.subspan(1), counted);
  }
  store(into, DiskExtentInlineRef{ref.type, ref.sequence()});
  if (ref.type == key_type::kSharedDataRef)
    store(into.subspan(sizeof(DiskExtentInlineRef)), DiskSharedDataRef{counted.count});
}

std::optional<CountedRef> keyed_ref(const Key& key, ByteSpan item) {
  switch (key.type) {
    case key_type::kTreeBlockRef:
    case key_type::kSharedBlockRef:
      return CountedRef{simple_ref(key.type, key.offset)};
    case key_type::kExtentDataRef:
      if (item.size() < sizeof(DiskExtentDataRef)) return std::nullopt;
      return data_ref(item);
    case key_type::kSharedDataRef:
      if (item.size() < sizeof(DiskSharedDataRef)) return std::nullopt;
      return CountedRef{simple_ref(key.type, key.offset), load<DiskSharedDataRef>(item).count};
    default:
      return std::nullopt;
  }
}

void store_keyed_ref(MutableByteSpan into, const CountedRef& counted) {
  if (counted.ref.type == key_type::kExtentDataRef)
    store_data_ref(into, counted);
  else if (counted.ref.type == key_type::kSharedDataRef)
    store(into, DiskSharedDataRef{counted.count});
}

std::optional<ExtentItemParts> extent_item_parts(const Key& key, ByteSpan item) {
  if (item.size() < sizeof(DiskExtentItem)) return std::nullopt;
  ExtentItemParts parts;
  parts.fixed = load<DiskExtentItem>(item);
  parts.inline_refs = item.subspan(sizeof(DiskExtentItem));
  if (key.type == key_type::kMetadataItem || !(parts.fixed.flags & extent_flag::kTreeBlock)) return parts;
  if (parts.inline_refs.size() < sizeof(DiskTreeBlockInfo)) return std::nullopt;
  parts.block_info = load<DiskTreeBlockInfo>(parts.inline_refs);
  parts.inline_refs = parts.inline_refs.subspan(sizeof(DiskTreeBlockInfo));
  return parts;
}

}  // namespace butterfuse
