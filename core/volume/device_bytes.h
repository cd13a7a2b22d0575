// SPDX-License-Identifier: GPL-2.0-or-later
// Device bytes: how much of each device belongs to chunks.
#pragma once

#include <algorithm>
#include <map>

#include "core/volume/volume.h"

namespace butterfuse {

// By devid: what DEV_ITEM.bytes_used has to be. Devices without a chunk are not in it.
inline std::map<uint64_t, uint64_t> chunk_bytes_of_devices(const Volume& volume) {
  std::map<uint64_t, uint64_t> bytes;
  for (const auto& chunk : volume.chunks())
    for (const ChunkStripe& stripe : chunk->stripes) bytes[stripe.devid] += chunk->stripe_bytes();
  return bytes;
}

// By devid: where its last chunk ends.
inline std::map<uint64_t, uint64_t> chunk_ends_of_devices(const Volume& volume) {
  std::map<uint64_t, uint64_t> ends;
  for (const auto& chunk : volume.chunks())
    for (const ChunkStripe& stripe : chunk->stripes)
      ends[stripe.devid] = std::max(ends[stripe.devid], stripe.physical + chunk->stripe_bytes());
  return ends;
}

}  // namespace butterfuse
