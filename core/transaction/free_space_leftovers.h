// SPDX-License-Identifier: GPL-2.0-or-later
// Free space leftovers: what mkfs.btrfs up to 6.2 leaves in the free space tree.
#pragma once

#include "core/transaction/filesystem.h"

namespace butterfuse {

// Removes the entries of block groups in front of the first one; how many there were. Becomes durable with
// the next commit. Nothing on a read-only file system. EIO, EUCLEAN, ENOSPC: none is removed.
Result<uint64_t> remove_free_space_leftovers(Filesystem& filesystem);

}  // namespace butterfuse
