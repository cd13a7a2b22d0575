// SPDX-License-Identifier: GPL-2.0-or-later
// Chunk plan: how big a new chunk is and where on the devices it goes.
#pragma once

#include <cstdint>
#include <optional>

#include "core/chunk/device_space.h"
#include "core/volume/volume.h"

namespace butterfuse {

// The length the kernel would give a new chunk of this type on devices of that many bytes together: 1 GiB of
// data for each of the stripes that hold different data, 10 GiB at most, 256 MiB or (over 50 GiB) 1 GiB of
// metadata, 32 MiB of system, but a tenth of the devices (rounded up to 16 MiB) at most.
uint64_t wanted_chunk_bytes(uint64_t type, uint64_t device_bytes, uint64_t data_stripes = 1);
inline int copies_of_profile(uint64_t type) { return raid_profile(type).copies; }
// Stripes that hold different data, in a chunk over that many devices.
uint64_t data_stripes_of(uint64_t type, uint64_t devices);

// Plans a chunk of about `max_bytes` on the devices with the most space: as many as the profile asks for, or
// all of them where it is striped. In each the first hole that fits, or the largest. Nothing when there are
// not enough holes of kMinChunkBytes. DUP's stripes lie in one hole, one behind the other.
std::optional<ChunkMapping> plan_chunk(const DeviceSpace& space, uint64_t type, uint64_t logical,
                                       uint64_t max_bytes);

}  // namespace butterfuse
