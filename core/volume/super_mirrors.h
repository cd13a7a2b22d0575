// SPDX-License-Identifier: GPL-2.0-or-later
// Superblock mirrors as seen from the logical space: bytes of a chunk that are never given out.
#pragma once

#include <vector>

#include "core/base/byte_range.h"
#include "core/volume/volume.h"

namespace butterfuse {

// The logical 64 KiB stripes of the chunk that hold a superblock mirror on any of its devices' stripes
// (kernel: exclude_super_stripes), in order, merged. The free space tree counts them as free; the
// allocator must not.
std::vector<ByteRange> super_mirrors_in(const ChunkMapping& chunk);

}  // namespace butterfuse
