// SPDX-License-Identifier: GPL-2.0-or-later
// Device sizes: which of several that contradict each other is believed.
#pragma once

#include <vector>

#include "core/btree/tree_image.h"
#include "core/volume/volume.h"

namespace butterfuse::repair {

// Sets total_bytes of the DEV_ITEMs in `chunk_tree`, also in the volume, to a size that holds all chunks and
// is no more than the device has: the item's, that of the device's own superblock, or the device's, where
// possible so that the superblock's total comes out. Returns the total of all devices.
uint64_t mend_device_sizes(std::vector<TreeItem>& chunk_tree, Volume& volume);

// EINVAL when chunks lie behind the end of a device: it was cut short; what lay there is missing, not bad.
Status check_devices_hold_chunks(const Volume& volume);

}  // namespace butterfuse::repair
