// Chunks against block groups, device extents and the device's totals.
#include "core/check/tree_walk.h"

namespace butterfuse::check {
namespace {

struct DeviceExtent {
  uint64_t length = 0, chunk = 0;
};

void match_block_groups(CheckState& state) {
  for (const auto& chunk : state.volume.chunks()) {
    auto group = state.block_groups.find(chunk->start);
    if (group == state.block_groups.end()) {
      state.error("chunk {}: has no block group", chunk->start);
    } else if (group->second.length != chunk->length || group->second.flags != chunk->type) {
      state.error("block group {}: length {} flags {:#x}, but its chunk has {} and {:#x}", chunk->start,
                  group->second.length, group->second.flags, chunk->length, chunk->type);
    }
  }
  for (const auto& [start, group] : state.block_groups) {
    auto chunk = state.volume.chunk_at(start);
    if (!chunk || chunk->start != start) state.error("block group {}: has no chunk", start);
  }
}

using DeviceExtents = std::map<std::pair<uint64_t, uint64_t>, DeviceExtent>;  // by devid, physical

DeviceExtents read_device_extents(CheckState& state) {
  DeviceExtents extents;
  auto root = state.roots.find(objectid::kDevTree);
  if (root == state.roots.end()) return extents;
  walk_items(state, root->second, [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type != key_type::kDevExtent || data.size() < sizeof(DiskDevExtent)) return;
    const auto item = load<DiskDevExtent>(data);
    extents[{key.objectid, key.offset}] = {item.length, item.chunk_offset};
  });
  return extents;
}

void match_device_extents(CheckState& state, DeviceExtents extents) {
  std::pair<uint64_t, uint64_t> end{0, 0};
  for (const auto& [place, extent] : extents) {
    if (place < end) state.error("device {} extent {}: overlaps the one before", place.first, place.second);
    end = {place.first, place.second + extent.length};
  }
  for (const auto& chunk : state.volume.chunks()) {
    for (const ChunkStripe& stripe : chunk->stripes) {
      auto extent = extents.find({stripe.devid, stripe.physical});
      if (extent == extents.end() || extent->second.chunk != chunk->start ||
          extent->second.length != chunk->length) {
        state.error("chunk {}: its stripe at device {} byte {} has no matching device extent", chunk->start,
                    stripe.devid, stripe.physical);
      } else {
        extents.erase(extent);
      }
    }
  }
  for (const auto& [place, extent] : extents) {
    state.error("device {} extent {}: belongs to no chunk (names {})", place.first, place.second,
                extent.chunk);
  }
}

void check_device_item(CheckState& state) {
  uint64_t used = 0;
  for (const auto& chunk : state.volume.chunks()) used += chunk->length * chunk->stripes.size();
  const DiskDevItem& super_item = state.volume.super().dev_item;
  if (super_item.bytes_used != used) {
    state.error("superblock: device bytes_used is {} but chunks take {}", uint64_t{super_item.bytes_used},
                used);
  }
  walk_items(state, state.roots[objectid::kChunkTree], [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type != key_type::kDevItem) return;
    const auto item = load<DiskDevItem>(data);
    if (item.bytes_used != used) {
      state.error("device {}: bytes_used is {} but chunks take {}", key.offset, uint64_t{item.bytes_used},
                  used);
    }
    if (item.total_bytes != super_item.total_bytes) {
      state.error("device {}: total_bytes is {} but the superblock says {}", key.offset,
                  uint64_t{item.total_bytes}, uint64_t{super_item.total_bytes});
    }
  });
}

}  // namespace

void check_chunks(CheckState& state) {
  match_block_groups(state);
  match_device_extents(state, read_device_extents(state));
  check_device_item(state);
}

}  // namespace butterfuse::check
