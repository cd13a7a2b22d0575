// SPDX-License-Identifier: GPL-2.0-or-later
// Chunks as they are packed: a CHUNK_ITEM with its stripes, and its copy in the superblock's sys_chunk_array.
#pragma once

#include <algorithm>
#include <optional>
#include <span>

#include "core/ondisk/format.h"
#include "core/ondisk/packed_walk.h"

namespace butterfuse {

constexpr size_t chunk_item_bytes(size_t stripes) { return sizeof(DiskChunk) + stripes * sizeof(DiskStripe); }

struct ChunkView {
  DiskChunk head{};
  std::span<const DiskStripe> stripes;  // num_stripes of them, in the item
};
// Nothing where the item is cut short, or goes on behind its stripes. The bytes need not be trusted; perhaps
// there is no stripe, which tree_checker refuses.
inline std::optional<ChunkView> chunk_view(ByteSpan item) {
  if (item.size() < sizeof(DiskChunk)) return std::nullopt;
  const auto head = load<DiskChunk>(item);
  if (item.size() != chunk_item_bytes(head.num_stripes)) return std::nullopt;
  const ByteSpan stripes = item.subspan(sizeof head);
  return ChunkView{head, {reinterpret_cast<const DiskStripe*>(stripes.data()), head.num_stripes}};
}

// One entry of sys_chunk_array. What is not under the key of a chunk is of no known kind.
struct SysChunk : PackedEntry {
  Key key;
  ByteSpan item;  // the CHUNK_ITEM

  size_t read(ByteSpan rest) {
    if (rest.size() < sizeof(DiskKey) + sizeof(DiskChunk)) return sizeof(DiskKey) + sizeof(DiskChunk);
    key = load<DiskKey>(rest);
    if (key.type != key_type::kChunkItem) return 0;
    const size_t bytes = chunk_item_bytes(load<DiskChunk>(rest.subspan(sizeof(DiskKey))).num_stripes);
    if (sizeof(DiskKey) + bytes <= rest.size()) item = rest.subspan(sizeof(DiskKey), bytes);
    return sizeof(DiskKey) + bytes;
  }
};
using SysChunks = PackedWalk<SysChunk>;

// What of sys_chunk_array is in use; not believed further than the array is long.
inline ByteSpan used_sys_chunk_array(const DiskSuper& super) {
  return {reinterpret_cast<const std::byte*>(super.sys_chunk_array),
          std::min<size_t>(super.sys_chunk_array_size, kSysChunkArrayBytes)};
}

}  // namespace butterfuse
