// SPDX-License-Identifier: GPL-2.0-or-later
// Chunks against block groups, device extents and the device's totals.
//
//     chunk (logical) <──> block group            same start, length and type
//         stripe <──> device extent (physical)    one for each stripe; none over another, none behind the end
//             device item: bytes_used             the sum of its stripes
//                 superblock: totals              the sums of the device items
#include <map>

#include "core/check/tree_walk.h"
#include "core/volume/device_bytes.h"
#include "core/volume/superblock.h"

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

// What a stripe has found is taken out: what is left over belongs to no chunk.
void match_device_extents(CheckState& state, DeviceExtents extents) {
  std::pair<uint64_t, uint64_t> end{0, 0};
  for (const auto& [place, extent] : extents) {
    const MemberDevice* member = state.volume.member(place.first);
    if (member != nullptr && !member->missing() &&
        place.second + extent.length > member->device->size_bytes())
      state.error("device {} extent {}: ends at {}, behind the {} bytes of {}", place.first, place.second,
                  place.second + extent.length, member->device->size_bytes(), member->device->path());
    if (member != nullptr && place.second + extent.length > member->item.total_bytes)
      state.error("device {} extent {}: ends at {}, behind the device's {} bytes", place.first, place.second,
                  place.second + extent.length, uint64_t{member->item.total_bytes});
    if (place < end) state.error("device {} extent {}: overlaps the one before", place.first, place.second);
    end = {place.first, place.second + extent.length};
  }
  for (const auto& chunk : state.volume.chunks()) {
    for (const ChunkStripe& stripe : chunk->stripes) {
      auto extent = extents.find({stripe.devid, stripe.physical});
      if (extent == extents.end() || extent->second.chunk != chunk->start ||
          extent->second.length != chunk->stripe_bytes()) {
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

// What the device's own superblock says, unless it missed commits; a seed's is of another time. Until the
// chunk tree is read a device goes by this.
void check_super_device_item(CheckState& state, const DiskDevItem& item) {
  const MemberDevice* member = state.volume.member(item.devid);
  if (member == nullptr || member->missing() || member->seed || member->stale) return;
  const auto super = read_newest_super(*member->device);
  if (!super) return;
  const DiskDevItem& own = super->dev_item;
  if (own.bytes_used != item.bytes_used || own.total_bytes != item.total_bytes)
    state.error("device {}: its superblock says bytes_used {} total_bytes {}, the chunk tree {} and {}",
                uint64_t{item.devid}, uint64_t{own.bytes_used}, uint64_t{own.total_bytes},
                uint64_t{item.bytes_used}, uint64_t{item.total_bytes});
}

void check_device_items(CheckState& state) {
  std::map<uint64_t, uint64_t> used = chunk_bytes_of_devices(state.volume);
  const uint64_t sector = state.volume.sectorsize();
  uint64_t count = 0, total_bytes = 0;
  walk_items(state, state.roots[objectid::kChunkTree], [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type != key_type::kDevItem) return;
    ++count;
    const auto item = load<DiskDevItem>(data);
    total_bytes += item.total_bytes;
    if (const MemberDevice* member = state.volume.member(item.devid);
        member != nullptr && !member->missing() && member->device->size_bytes() < item.total_bytes)
      state.error("device {}: total_bytes is {}, but {} has {} bytes", key.offset, uint64_t{item.total_bytes},
                  member->device->path(), member->device->size_bytes());
    if (item.total_bytes % sector != 0)
      state.warning("device {}: total_bytes {} is no multiple of the sector size {}", key.offset,
                    uint64_t{item.total_bytes}, sector);
    if (item.bytes_used != used[item.devid])
      state.error("device {}: bytes_used is {} but chunks take {}", key.offset, uint64_t{item.bytes_used},
                  used[item.devid]);
    check_super_device_item(state, item);
  });
  const uint64_t told = state.volume.super().num_devices;
  const uint64_t super_bytes = state.volume.super().total_bytes;
  if (super_bytes < total_bytes)
    state.error("superblock: total_bytes is {}, the devices have {}", super_bytes, total_bytes);
  if (super_bytes > total_bytes)  // as old kernels left it after a resize: of no consequence
    state.warning("superblock: total_bytes is {}, the devices have {}", super_bytes, total_bytes);
  if (told != count) state.error("superblock: num_devices is {}, the chunk tree has {}", told, count);
}

}  // namespace

void check_chunks(CheckState& state) {
  match_block_groups(state);
  match_device_extents(state, read_device_extents(state));
  check_device_items(state);
}

}  // namespace butterfuse::check
