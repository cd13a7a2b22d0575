// SPDX-License-Identifier: GPL-2.0-or-later
// File extents under the pages: taking them out of a range.
#pragma once

#include "core/base/byte_range.h"
#include "fs/data/extent_step.h"

namespace butterfuse {

// REQUIRES the inode's data_lock() exclusive, of all.
//
// The bytes of `range` read as zero and hold no space but for the sectors at its edges. Any range.
// REQUIRES no dirty page and no extent in flight in its sectors. ENOSPC before anything has changed,
// or between two steps.
Status punch_range(Mount& mount, Inode& inode, ByteRange range, RangeProgress& progress);

// Before a file grows: extents behind its size go, which a power cut leaves when it comes between the
// ends of two writes. What is preallocated there stays.
Status drop_behind_size(Mount& mount, Inode& inode);

// The sectors that `range` touches, and those that it covers (perhaps none).
ByteRange sectors_around(ByteRange range);
ByteRange sectors_within(ByteRange range);

}  // namespace butterfuse
