// SPDX-License-Identifier: GPL-2.0-or-later
// wipe_signatures: makes a device forget what was on it.
#pragma once

#include "core/device/block_device.h"

namespace butterfuse {

// Zeroes the first and last 2 MiB, where other file systems and partition tables sign, and every place of a
// superblock mirror on the whole device. What reads as zeros already is not written, so sparse files stay
// sparse. Flushed when this returns.
Status wipe_signatures(BlockDevice& device);

}  // namespace butterfuse
