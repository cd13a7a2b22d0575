// SPDX-License-Identifier: GPL-2.0-or-later
// fallocate(2): preallocating, punching holes, zeroing ranges.
#pragma once

#include "core/base/byte_range.h"
#include "fs/data/extent_step.h"
#include "fs/mount/caller.h"

namespace butterfuse {

// `mode`: 0, or of FALLOC_FL_KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE [| KEEP_SIZE]; others EOPNOTSUPP.
// EFBIG, EPERM for immutable files and for all but plain allocation in append-only ones, ENOSPC: the data
// space is had before anything changes, so that what was there is there still. What an error that comes later
// leaves changed is in `progress`: whoever has cached that must forget it. The file loses what
// drop_privileges takes from it for `caller`. Takes data_lock() exclusive.
Status fallocate(Mount& mount, Inode& inode, int mode, ByteRange range, RangeProgress& progress,
                 const Caller& caller);
Status fallocate(Mount& mount, Inode& inode, int mode, ByteRange range, const Caller& caller = {});

}  // namespace butterfuse
