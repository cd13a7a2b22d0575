// SPDX-License-Identifier: GPL-2.0-or-later
// Rules for CHUNK_ITEM, DEV_ITEM, DEV_EXTENT and BLOCK_GROUP_ITEM.
#include <bit>

#include "core/ondisk/chunk_view.h"
#include "core/ondisk/item_checks.h"

namespace butterfuse {

namespace {

Status check_group_type(const ItemCheck& check, uint64_t type) {
  if (type & ~(bg::kTypeMask | bg::kProfileMask))
    return check.fail("unknown chunk type bits, have 0x{:x}", type);
  if (std::popcount(type & bg::kProfileMask) > 1)
    return check.fail("more than one profile, have 0x{:x}", type);
  const uint64_t content = type & bg::kTypeMask;
  if (content == 0) return check.fail("neither data, metadata nor system, have 0x{:x}", type);
  if ((content & bg::kSystem) && content != bg::kSystem)
    return check.fail("system mixed with data or metadata, have 0x{:x}", type);
  if (content == (bg::kData | bg::kMetadata) && !(check.fs.incompat & incompat::kMixedGroups))
    return check.fail("data mixed with metadata, but the mixed groups feature is off, have 0x{:x}", type);
  return {};
}

struct StripeRule {
  uint64_t profile;
  uint16_t least, most;  // stripes
};
constexpr uint16_t kAny = 0xffff;
constexpr StripeRule kStripeRules[] = {{0, 1, 1},
                                       {bg::kDup, 2, 2},
                                       {bg::kRaid0, 1, kAny},
                                       {bg::kRaid1, 2, 2},
                                       {bg::kRaid1c3, 3, 3},
                                       {bg::kRaid1c4, 4, 4},
                                       {bg::kRaid10, 2, kAny},
                                       {bg::kRaid5, 2, kAny},
                                       {bg::kRaid6, 3, kAny}};

Status check_stripe_count(const ItemCheck& check, const DiskChunk& chunk) {
  const uint64_t profile = chunk.type & bg::kProfileMask;
  const uint16_t count = chunk.num_stripes;
  for (const StripeRule& rule : kStripeRules) {
    if (rule.profile != profile) continue;
    if (count < rule.least || count > rule.most)
      return check.fail("invalid stripe count for profile 0x{:x}, have {} want {} to {}", profile, count,
                        rule.least, rule.most);
  }
  if (profile != bg::kRaid10) return {};
  if (chunk.sub_stripes == 2 && count % 2 == 0) return {};
  return check.fail("invalid sub_stripes of raid10, have {} of {} stripes want 2",
                    uint16_t{chunk.sub_stripes}, count);
}

Status check_chunk_geometry(const ItemCheck& check, const DiskChunk& chunk) {
  if (!check.sector_aligned(check.key.offset) || !check.sector_aligned(chunk.length))
    return check.fail("chunk is not aligned to {}, have {} + {}", check.fs.sectorsize, check.key.offset,
                      uint64_t{chunk.length});
  if (chunk.sector_size != check.fs.sectorsize)
    return check.fail("invalid chunk sectorsize, have {} want {}", uint32_t{chunk.sector_size},
                      check.fs.sectorsize);
  if (chunk.stripe_len != kStripeLen)
    return check.fail("invalid chunk stripe_len, have {} want {}", uint64_t{chunk.stripe_len}, kStripeLen);
  if (chunk.length / kStripeLen > ~uint32_t{0})
    return check.fail("chunk is too long, have {}", uint64_t{chunk.length});
  return {};
}

Status check_stripes(const ItemCheck& check, const ChunkView& chunk) {
  for (size_t i = 0; i < chunk.stripes.size(); ++i) {
    const uint64_t offset = chunk.stripes[i].offset;
    if (!check.sector_aligned(offset) || !adds_up(offset, chunk.head.length))
      return check.fail("stripe {} at an invalid device offset, have {}", i, offset);
  }
  return {};
}

}  // namespace

Status check_chunk(const ItemCheck& check) {
  if (check.item.size() < chunk_item_bytes(1))
    return check.fail("invalid item size, have {} want at least {}", check.item.size(), chunk_item_bytes(1));
  const auto chunk = load<DiskChunk>(check.item);
  if (chunk.num_stripes == 0) return check.fail("chunk without stripes");
  const auto view = chunk_view(check.item);
  if (!view) return check.size_is(chunk_item_bytes(chunk.num_stripes));
  if (chunk.length == 0 || !adds_up(check.key.offset, chunk.length))
    return check.fail("invalid chunk length, have {}", uint64_t{chunk.length});
  if (!check.full()) return {};
  if (check.key.objectid != objectid::kFirstChunkTree)
    return check.fail("invalid key objectid of a chunk, have {} want {}", check.key.objectid,
                      objectid::kFirstChunkTree);
  BF_TRY(check_chunk_geometry(check, chunk));
  BF_TRY(check_group_type(check, chunk.type));
  BF_TRY(check_stripe_count(check, chunk));
  return check_stripes(check, *view);
}

Status check_dev_item(const ItemCheck& check) {
  BF_TRY(check.size_is(sizeof(DiskDevItem)));
  if (!check.full()) return {};
  const auto device = load<DiskDevItem>(check.item);
  if (check.key.objectid != objectid::kDevItems)
    return check.fail("invalid key objectid of a device, have {} want {}", check.key.objectid,
                      objectid::kDevItems);
  if (device.devid != check.key.offset)
    return check.fail("devid does not match the key, have {} want {}", uint64_t{device.devid},
                      check.key.offset);
  if (device.bytes_used > device.total_bytes)
    return check.fail("invalid device bytes_used, have {} want at most {}", uint64_t{device.bytes_used},
                      uint64_t{device.total_bytes});
  return {};
}

Status check_dev_extent(const ItemCheck& check) {
  BF_TRY(check.size_is(sizeof(DiskDevExtent)));
  const auto extent = load<DiskDevExtent>(check.item);
  if (!adds_up(check.key.offset, extent.length))
    return check.fail("device extent overflows, {} + {}", check.key.offset, uint64_t{extent.length});
  if (!check.full()) return {};
  if (extent.chunk_tree != objectid::kChunkTree || extent.chunk_objectid != objectid::kFirstChunkTree)
    return check.fail("invalid chunk tree or objectid of a device extent, have {} and {}",
                      uint64_t{extent.chunk_tree}, uint64_t{extent.chunk_objectid});
  if (!check.sector_aligned(check.key.offset) || !check.sector_aligned(extent.chunk_offset) ||
      !check.sector_aligned(extent.length) || extent.length == 0)
    return check.fail("device extent is not aligned to {}, have {} + {} for chunk {}", check.fs.sectorsize,
                      check.key.offset, uint64_t{extent.length}, uint64_t{extent.chunk_offset});
  if (!check.has_previous()) return {};
  const Key previous = check.previous_key();
  if (previous.objectid != check.key.objectid || previous.type != key_type::kDevExtent) return {};
  const uint64_t previous_end = previous.offset + load<DiskDevExtent>(check.previous_item()).length;
  if (previous_end > check.key.offset)
    return check.fail("device extents overlap, the previous one ends at {}", previous_end);
  return {};
}

Status check_block_group_item(const ItemCheck& check) {
  BF_TRY(check.size_is(sizeof(DiskBlockGroupItem)));
  if (check.key.offset == 0 || !adds_up(check.key.objectid, check.key.offset))
    return check.fail("invalid block group length, have {}", check.key.offset);
  if (!check.full()) return {};
  const auto group = load<DiskBlockGroupItem>(check.item);
  if (group.chunk_objectid != objectid::kFirstChunkTree)
    return check.fail("invalid block group chunk_objectid, have {} want {}", uint64_t{group.chunk_objectid},
                      objectid::kFirstChunkTree);
  if (group.used > check.key.offset)
    return check.fail("invalid block group used, have {} want at most {}", uint64_t{group.used},
                      check.key.offset);
  return check_group_type(check, group.flags);
}

}  // namespace butterfuse
