// SPDX-License-Identifier: GPL-2.0-or-later
// Rules for EXTENT_ITEM and METADATA_ITEM with their inline refs, and for keyed backrefs.
#include "core/ondisk/backrefs.h"
#include "core/ondisk/item_checks.h"

namespace butterfuse {

namespace {

Status check_parent(const ItemCheck& check, uint64_t bytenr) {
  if (bytenr != 0 && check.sector_aligned(bytenr)) return {};
  return check.fail("invalid parent of a shared ref, have {} want a multiple of {}", bytenr,
                    check.fs.sectorsize);
}

Status check_data_ref(const ItemCheck& check, const CountedRef& data) {
  if (!check.sector_aligned(data.ref.offset))
    return check.fail("invalid offset of a data ref, have {} want a multiple of {}", data.ref.offset,
                      check.fs.sectorsize);
  if (data.count == 0) return check.fail("data ref with count 0");
  if (data.ref.root == 0) return check.fail("data ref of root 0");
  return {};
}

// Inline or keyed.
Status check_ref(const ItemCheck& check, const CountedRef& counted) {
  switch (counted.ref.type) {
    case key_type::kSharedBlockRef:
      return check_parent(check, counted.ref.parent);
    case key_type::kExtentDataRef:
      return check_data_ref(check, counted);
    case key_type::kSharedDataRef:
      if (counted.count == 0) return check.fail("shared data ref with count 0");
      return check_parent(check, counted.ref.parent);
    default:
      return {};
  }
}

Status check_ref_kind(const ItemCheck& check, uint8_t type, uint64_t flags) {
  const bool is_tree_ref = type == key_type::kTreeBlockRef || type == key_type::kSharedBlockRef;
  if (type == key_type::kExtentOwnerRef || is_tree_ref == bool(flags & extent_flag::kTreeBlock)) return {};
  return check.fail("inline ref type {} does not fit extent flags 0x{:x}", type, flags);
}

// By type, rising; among those of one type by sequence, falling.
struct RefPlace {
  uint8_t type = 0;  // 0: nothing is before the first
  uint64_t sequence = 0;
};

Status check_ref_order(const ItemCheck& check, const RefPlace& previous, const RefPlace& ref) {
  if (previous.type < ref.type || (previous.type == ref.type && previous.sequence >= ref.sequence)) return {};
  return check.fail("inline refs out of order, type {} sequence 0x{:x} behind type {} sequence 0x{:x}",
                    ref.type, ref.sequence, previous.type, previous.sequence);
}

Status check_inline_refs(const ItemCheck& check, const ExtentItemParts& extent) {
  RefPlace previous;
  uint64_t total = 0;
  InlineRefs refs(extent.inline_refs);
  while (refs.next()) {
    if (!check.full()) continue;
    const InlineRef& one = refs.entry();
    const RefPlace place{one.ref.type, one.ref.sequence()};
    BF_TRY(check_ref(check, one));
    BF_TRY(check_ref_kind(check, one.ref.type, extent.fixed.flags));
    BF_TRY(check_ref_order(check, previous, place));
    total += one.count;
    previous = place;
  }
  if (refs.unknown_kind()) return check.fail("unknown inline ref type, have {}", refs.entry().ref.type);
  BF_TRY(check.whole(refs));
  if (total > extent.fixed.refs)
    return check.fail("more inline refs than refs, have {} want at most {}", total,
                      uint64_t{extent.fixed.refs});
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

  const auto extent = extent_item_parts(check.key, check.item);
  if (!extent)
    return check.fail("invalid item size, have {} want at least {}", check.item.size(),
                      sizeof(DiskExtentItem) + sizeof(DiskTreeBlockInfo));
  if (extent->block_info && extent->block_info->level >= kMaxLevel)
    return check.fail("invalid tree block level, have {} want below {}", extent->block_info->level,
                      kMaxLevel);
  if (check.full()) {
    BF_TRY(check_extent_key(check));
    BF_TRY(check_extent_flags(check, extent->fixed));
    BF_TRY(check_previous_extent_item(check));
  }
  return check_inline_refs(check, *extent);
}

Status check_keyed_ref(const ItemCheck& check) {
  BF_TRY(check.size_is(ExtentRef{.type = check.key.type}.keyed_bytes()));
  if (!check.full()) return {};
  if (!check.sector_aligned(check.key.objectid))
    return check.fail("invalid extent bytenr, have {} want a multiple of {}", check.key.objectid,
                      check.fs.sectorsize);
  const auto ref = keyed_ref(check.key, check.item);
  if (!ref) return check.fail("no back reference");
  return check_ref(check, *ref);
}

}  // namespace butterfuse
