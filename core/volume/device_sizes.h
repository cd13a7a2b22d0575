// SPDX-License-Identifier: GPL-2.0-or-later
// Device sizes: whether the devices are as large as the file system says.
#pragma once

#include "core/volume/volume.h"

namespace butterfuse {

// EUCLEAN when a superblock would not fit a device's size; EINVAL when a device is smaller than its DEV_ITEM
// says, or the superblock's total than all of them: no kernel mounts that. Before the chunk tree is read it
// goes by what the devices' own superblocks say.
Status check_device_sizes(const Volume& volume);

}  // namespace butterfuse
