// SPDX-License-Identifier: GPL-2.0-or-later
// Items that follow from chunks and extents: of the device, chunk, block group and checksum trees.
#pragma once

#include "core/survey/extent_map.h"

namespace butterfuse::repair {

// Adds a DEV_EXTENT for each stripe of each chunk; sorts.
void add_device_extents(std::vector<TreeItem>& items, const Volume& volume);
// Sets bytes_used of the DEV_ITEMs to what their chunks take, also in the volume.
void mend_device_items(std::vector<TreeItem>& chunk_tree, Volume& volume);
// One for each chunk, with the bytes that extents use in it; sorted.
std::vector<TreeItem> block_group_items(const Volume& volume, const ExtentMap& extents);
// Checksums of bytes that data extents have, each once.
std::vector<TreeItem> sound_csum_items(const std::vector<TreeItem>& items, const Volume& volume,
                                       const ExtentMap& extents);
// A root item as mkfs makes it.
TreeItem new_root_item(uint64_t id, uint32_t nodesize);
// The top directory of an empty subvolume.
std::vector<TreeItem> empty_subvolume(uint64_t generation, uint32_t nodesize);

}  // namespace butterfuse::repair
