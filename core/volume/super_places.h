// SPDX-License-Identifier: GPL-2.0-or-later
// Super places: what of a device is superblocks', whatever an image says lies there.
#pragma once

#include "core/base/byte_range.h"
#include "core/device/block_device.h"

namespace butterfuse {

// Bytes of the 4 KiB that a superblock has.
bool touches_super(ByteRange device_bytes);
// Discards all of the range but what superblocks may lie in.
void discard_around_supers(BlockDevice& device, ByteRange range);

}  // namespace butterfuse
