// SPDX-License-Identifier: GPL-2.0-or-later
// Chunk items: the items that a chunk and its block group have in the trees, and the copy in the superblock.
#pragma once

#include <map>
#include <vector>

#include "core/btree/cursor.h"
#include "core/btree/tree.h"
#include "core/volume/volume.h"

namespace butterfuse {

using DeviceBytes = std::map<uint64_t, uint64_t>;  // by devid

// Those that change trees take and give back the lock of one tree at a time.

// The CHUNK_ITEM, and the bytes_used of its devices' DEV_ITEMs, of which the volume is told; for system
// chunks also sys_chunk_array in `super`.
Status insert_chunk_item(CowContext& context, Tree& chunk_tree, Volume& volume, DiskSuper& super,
                         const ChunkMapping& chunk, const DeviceBytes& used);
Status remove_chunk_item(CowContext& context, Tree& chunk_tree, Volume& volume, DiskSuper& super,
                         const ChunkMapping& chunk, const DeviceBytes& used);
// The item of each of the chunk's stripes, under its device and place.
DiskDevExtent device_extent_item(const ChunkMapping& chunk, const Uuid& chunk_tree_uuid);
Status insert_device_extents(CowContext& context, Tree& device_tree, const ChunkMapping& chunk,
                             const Uuid& chunk_tree_uuid);
Status remove_device_extents(CowContext& context, Tree& device_tree, const ChunkMapping& chunk);

std::vector<std::byte> encode_chunk(const ChunkMapping& chunk, uint32_t sectorsize);
// EFBIG when the array is full.
Status add_sys_chunk(DiskSuper& super, const ChunkMapping& chunk);
void remove_sys_chunk(DiskSuper& super, uint64_t chunk_start);
// Bytes of one entry.
uint64_t sys_chunk_bytes(const ChunkMapping& chunk);

}  // namespace butterfuse
