// SPDX-License-Identifier: GPL-2.0-or-later
// Superblock mirrors: finding the one to believe, and sealing one for writing.
#pragma once

#include "core/base/result.h"
#include "core/device/block_device.h"
#include "core/ondisk/format.h"
#include "core/ondisk/tree_checker.h"

namespace butterfuse {

// The mirror of this index (below kSuperMirrors) as it lies on the device, unchecked. EIO: it does not fit.
Result<DiskSuper> read_super_mirror(BlockDevice& device, int mirror);

// Magic, bytenr, checksum and check_super of a mirror.
Status check_super_mirror(const DiskSuper& super, int mirror, SuperFlags flags = SuperFlags::known);

// The valid mirror of the highest generation. When mirror 0 is valid, others count only if they are of the
// same file system and inside of it: a smaller one may have been made over a larger one's remains. EINVAL: no
// btrfs here; EUCLEAN: remains of one, but no valid mirror; EIO.
Result<DiskSuper> read_newest_super(BlockDevice& device, SuperFlags flags = SuperFlags::known);

// Sets bytenr for the mirror and the checksum.
void seal_super(DiskSuper& super, int mirror);

// ENOTSUP with the reason when the file system has features that this code cannot read.
Status check_super_supported(const DiskSuper& super, SuperFlags flags = SuperFlags::known);

}  // namespace butterfuse
