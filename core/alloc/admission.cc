// SPDX-License-Identifier: GPL-2.0-or-later
// Admission: needs against room.
#include "core/alloc/admission.h"

#include <algorithm>

namespace butterfuse {
namespace {

constexpr uint64_t kLeastFreeingBlocks = 2 * kBlocksPerItem;  // two items: less is no promise worth having

}  // namespace

Status Admission::admit_data(uint64_t bytes) {
  SpacePool& data = groups_.data();
  while (true) {
    const uint64_t free = data.counters().free();
    const uint64_t need = promises_.pool_need(data, Promises::Of::everything);
    if (free >= need && free - need >= bytes) break;
    if (chunks_.grow(data)) continue;
    return make_error(ENOSPC, "no space for {} bytes of data: {} free, {} promised", bytes,
                      data.counters().free(), promises_.data_bytes());
  }
  promises_.add_data(bytes);
  return {};
}

Status Admission::admit_metadata(uint64_t bytes, uint64_t root) {
  SpacePool& metadata = groups_.metadata();
  const uint64_t need = promises_.metadata_pool_need({.root = root, .extra = bytes});
  if (metadata.counters().free() < need || promises_.metadata_is_tight()) {
    if (promises_.metadata_room() < need) {
      chunks_.note_starving(metadata);
      return make_error(ENOSPC, "no space for {} bytes of metadata: {} free, {} needed", bytes,
                        metadata.counters().free(), need);
    }
    if (promises_.metadata_is_tight()) chunks_.grow(metadata);
  }
  promises_.add_metadata(root, bytes);
  return {};
}

Result<uint64_t> Admission::admit_freeing(uint64_t bytes, uint64_t root) {
  SpacePool& metadata = groups_.metadata();
  if (promises_.metadata_is_tight()) chunks_.grow(metadata);
  const uint64_t room = promises_.metadata_room();
  const uint64_t least = kLeastFreeingBlocks * nodesize_;
  if (const uint64_t least_need = promises_.need_while_freeing(root, least); room < least_need) {
    chunks_.note_starving(metadata);
    return make_error(ENOSPC, "no metadata space even to free space: {} left, {} needed", room, least_need);
  }
  while (bytes > least && promises_.need_while_freeing(root, bytes) > room)
    bytes = std::max(bytes / 2, least);
  promises_.add_metadata(root, bytes);
  return bytes;
}

}  // namespace butterfuse
