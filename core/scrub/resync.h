// SPDX-License-Identifier: GPL-2.0-or-later
// Resync: trees, and data that has no checksum, brought up to date on devices that missed commits.
#pragma once

#include "core/transaction/filesystem.h"

namespace butterfuse {

// A device that came back has old bytes. Where data has checksums every reader sees that, and takes (and
// mends by) another copy. What has none (nodatasum, nodatacow) is copied here, before the device's superblock
// says that it is current: the next mount could not tell any more which copy is the old one. So are the
// trees: if the others fail next, this device must have a whole file system. Until then, or where a read
// fails, the device stays stale, mount after mount.
//
// REQUIRES that nobody writes to the file system yet. Does nothing where no device is stale; else reads all
// trees, and as much as there is without checksum.
Status resync_stale_devices(Filesystem& filesystem);

}  // namespace butterfuse
