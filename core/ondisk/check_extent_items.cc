// Rules for EXTENT_ITEM and METADATA_ITEM with their inline refs, and for backrefs that are items of their
// own.
#include "core/base/checksum.h"
#include "core/ondisk/item_checks.h"

namespace butterfuse {

namespace {

// Bytes of an inline ref of this type, with the type itself; 0 when it is no such type.
size_t inline_ref_size(uint8_t type) {
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

uint64_t data_ref_hash(const DiskExtentDataRef& ref) {
  uint32_t high = crc32c_raw(~uint32_t{0}, object_bytes(ref.root));
  uint32_t low = crc32c_raw(~uint32_t{0}, object_bytes(ref.objectid));
  low = crc32c_raw(low, object_bytes(ref.offset));
  return (uint64_t{high} << 31) ^ low;
}

struct InlineRef {
  uint8_t type = 0;
  uint64_t sequence = 0;  // what refs of one type are sorted by, falling
  uint64_t count = 0;     // how many of the extent's refs it stands for
};

Status check_parent(const ItemCheck& check, const char* what, uint64_t bytenr) {
  if (bytenr != 0 && check.sector_aligned(bytenr)) return {};
  return check.fail("invalid {} of a shared ref, have {} want a multiple of {}", what, bytenr,
                    check.fs.sectorsize);
}

Status check_data_ref(const ItemCheck& check, const DiskExtentDataRef& ref) {
  if (!check.sector_aligned(ref.offset))
    return check.fail("invalid offset of a data ref, have {} want a multiple of {}", uint64_t{ref.offset},
                      check.fs.sectorsize);
  if (ref.count == 0) return check.fail("data ref with count 0");
  if (ref.root == 0) return check.fail("data ref of root 0");
  return {};
}

// REQUIRES bytes.size() == inline_ref_size(type).
Result<InlineRef> read_inline_ref(const ItemCheck& check, ByteSpan bytes) {
  const auto head = load<DiskExtentInlineRef>(bytes);
  InlineRef ref{head.type, head.offset, 1};
  switch (head.type) {
    case key_type::kSharedBlockRef:
      BF_TRY(check_parent(check, "parent", head.offset));
      break;
    case key_type::kExtentDataRef: {
      const auto data_ref = load<DiskExtentDataRef>(bytes.subspan(1));
      BF_TRY(check_data_ref(check, data_ref));
      ref.sequence = data_ref_hash(data_ref);
      ref.count = data_ref.count;
      break;
    }
    case key_type::kSharedDataRef:
      BF_TRY(check_parent(check, "parent", head.offset));
      ref.count = load<DiskSharedDataRef>(bytes.subspan(sizeof(DiskExtentInlineRef))).count;
      if (ref.count == 0) return check.fail("shared data ref with count 0");
      break;
    case key_type::kExtentOwnerRef:
      ref.count = 0;
      break;  // says who pays, refers to nothing
    default:
      break;
  }
  return ref;
}

Status check_ref_kind(const ItemCheck& check, uint8_t type, uint64_t flags) {
  const bool is_tree_ref = type == key_type::kTreeBlockRef || type == key_type::kSharedBlockRef;
  if (type == key_type::kExtentOwnerRef || is_tree_ref == bool(flags & extent_flag::kTreeBlock)) return {};
  return check.fail("inline ref type {} does not fit extent flags 0x{:x}", type, flags);
}

Status check_ref_order(const ItemCheck& check, const InlineRef& previous, const InlineRef& ref) {
  if (previous.type < ref.type || (previous.type == ref.type && previous.sequence >= ref.sequence)) return {};
  if (previous.type == 0) return {};
  return check.fail("inline refs out of order, type {} sequence 0x{:x} behind type {} sequence 0x{:x}",
                    ref.type, ref.sequence, previous.type, previous.sequence);
}

Status check_inline_refs(const ItemCheck& check, ByteSpan rest, const DiskExtentItem& extent) {
  InlineRef previous;
  uint64_t total = 0;
  while (!rest.empty()) {
    const auto type = static_cast<uint8_t>(rest[0]);
    const size_t size = inline_ref_size(type);
    if (size == 0) return check.fail("unknown inline ref type, have {}", type);
    if (size > rest.size())
      return check.fail("inline ref crosses the end of the item, have {} bytes want {}", rest.size(), size);
    if (check.full()) {
      BF_ASSIGN(InlineRef ref, read_inline_ref(check, rest.first(size)));
      BF_TRY(check_ref_kind(check, type, extent.flags));
      BF_TRY(check_ref_order(check, previous, ref));
      total += ref.count;
      previous = ref;
    }
    rest = rest.subspan(size);
  }
  if (total > extent.refs)
    return check.fail("more inline refs than refs, have {} want at most {}", total, uint64_t{extent.refs});
  return {};
}

Status check_extent_key(const ItemCheck& check) {
  if (!check.sector_aligned(check.key.objectid))
    return check.fail("invalid extent bytenr, have {} want a multiple of {}", check.key.objectid,
                      check.fs.sectorsize);
  if (check.key.type == key_type::kMetadataItem) {
    if (!(check.fs.incompat & incompat::kSkinnyMetadata))
      return check.fail("METADATA_ITEM, but the skinny metadata feature is off");
    return {};
  }
  if (check.key.offset == 0 || !check.sector_aligned(check.key.offset))
    return check.fail("invalid extent length, have {} want a multiple of {} above 0", check.key.offset,
                      check.fs.sectorsize);
  return {};
}

Status check_extent_flags(const ItemCheck& check, const DiskExtentItem& extent) {
  const bool is_data = extent.flags & extent_flag::kData;
  const bool is_tree_block = extent.flags & extent_flag::kTreeBlock;
  if (is_data == is_tree_block)
    return check.fail("extent flags are not one of data and tree block, have 0x{:x}", uint64_t{extent.flags});
  if (is_data && check.key.type == key_type::kMetadataItem)
    return check.fail("METADATA_ITEM of a data extent");
  if (is_tree_block && check.key.type == key_type::kExtentItem && check.key.offset != check.fs.nodesize)
    return check.fail("invalid tree block length, have {} want {}", check.key.offset, check.fs.nodesize);
  if (check.too_young(extent.generation))
    return check.fail("invalid extent generation, have {} want at most {}", uint64_t{extent.generation},
                      check.fs.generation + 1);
  return {};
}

Status check_previous_extent_item(const ItemCheck& check) {
  if (!check.has_previous()) return {};
  const Key previous = check.previous_key();
  if (previous.type != key_type::kExtentItem && previous.type != key_type::kMetadataItem) return {};
  const uint64_t length = previous.type == key_type::kMetadataItem ? check.fs.nodesize : previous.offset;
  if (previous.objectid + length <= check.key.objectid) return {};
  return check.fail("extents overlap, the previous one ends at {}", previous.objectid + length);
}

}  // namespace

Status check_extent_item(const ItemCheck& check) {
  if (check.item.size() < sizeof(DiskExtentItem))
    return check.fail("invalid item size, have {} want at least {}", check.item.size(),
                      sizeof(DiskExtentItem));
  const bool is_metadata_item = check.key.type == key_type::kMetadataItem;
  if (is_metadata_item && check.key.offset >= kMaxLevel)
    return check.fail("invalid tree block level, have {} want below {}", check.key.offset, kMaxLevel);
  const uint64_t length = is_metadata_item ? check.fs.nodesize : check.key.offset;
  if (!adds_up(check.key.objectid, length)) return check.fail("extent end overflows");

  const auto extent = load<DiskExtentItem>(check.item);
  ByteSpan rest = check.item.subspan(sizeof(DiskExtentItem));
  if (!is_metadata_item && (extent.flags & extent_flag::kTreeBlock)) {
    if (rest.size() < sizeof(DiskTreeBlockInfo))
      return check.fail("invalid item size, have {} want at least {}", check.item.size(),
                        sizeof(DiskExtentItem) + sizeof(DiskTreeBlockInfo));
    const auto info = load<DiskTreeBlockInfo>(rest);
    if (info.level >= kMaxLevel)
      return check.fail("invalid tree block level, have {} want below {}", info.level, kMaxLevel);
    rest = rest.subspan(sizeof(DiskTreeBlockInfo));
  }
  if (check.full()) {
    BF_TRY(check_extent_key(check));
    BF_TRY(check_extent_flags(check, extent));
    BF_TRY(check_previous_extent_item(check));
  }
  return check_inline_refs(check, rest, extent);
}

Status check_keyed_ref(const ItemCheck& check) {
  switch (check.key.type) {
    case key_type::kExtentDataRef:
      BF_TRY(check.size_is(sizeof(DiskExtentDataRef)));
      break;
    case key_type::kSharedDataRef:
      BF_TRY(check.size_is(sizeof(DiskSharedDataRef)));
      break;
    default:
      BF_TRY(check.size_is(0));
      break;
  }
  if (!check.full()) return {};
  if (!check.sector_aligned(check.key.objectid))
    return check.fail("invalid extent bytenr, have {} want a multiple of {}", check.key.objectid,
                      check.fs.sectorsize);
  switch (check.key.type) {
    case key_type::kExtentDataRef:
      return check_data_ref(check, load<DiskExtentDataRef>(check.item));
    case key_type::kSharedDataRef:
      if (load<DiskSharedDataRef>(check.item).count == 0) return check.fail("shared data ref with count 0");
      return check_parent(check, "parent", check.key.offset);
    case key_type::kSharedBlockRef:
      return check_parent(check, "parent", check.key.offset);
    default:
      return {};
  }
}

}  // namespace butterfuse
