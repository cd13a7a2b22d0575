// ChunkAllocator: how big a new chunk is and where on the device it goes.
#pragma once

#include <cstdint>
#include <optional>

#include "core/alloc/device_space.h"
#include "core/volume/volume.h"

namespace butterfuse {

// The length the kernel would give a new chunk of this type on a device of that many bytes: 1 GiB of data,
// 256 MiB or (devices over 50 GiB) 1 GiB of metadata, 32 MiB of system, but a tenth of the device (rounded up
// to 16 MiB) at most.
uint64_t wanted_chunk_bytes(uint64_t type, uint64_t device_bytes);
int copies_of_profile(uint64_t type);

// Plans a chunk of at most `max_bytes` in the first hole that fits, or in the largest. Nothing when even
// that holds less than kMinChunkBytes. All stripes lie in one hole, one behind the other.
std::optional<ChunkMapping> plan_chunk(const DeviceSpace& space, const DiskDevItem& device, uint64_t type,
                                       uint64_t logical, uint64_t max_bytes);

}  // namespace butterfuse
