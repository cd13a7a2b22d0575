// File extents under the pages: taking them out of a range, for hole punching and for what replaces them.
#pragma once

#include "core/base/byte_range.h"
#include "fs/vfs/mount.h"

namespace butterfuse {

// REQUIRES the inode's data_lock() exclusive, of both.
//
// The bytes of `range` read as zero and hold no space but for the sectors at its edges. Any range.
Status punch_range(Mount& mount, Inode& inode, ByteRange range);
// Removes the extents of whole sectors, in transactions of bounded size. REQUIRES no dirty page and no extent
// in flight in `sectors`.
Status drop_extents(Mount& mount, Inode& inode, ByteRange sectors);

// Before a file first grows: extents behind its size go, which a power cut leaves when it comes between the
// ends of two writes. What is preallocated there stays. REQUIRES data_lock() exclusive.
Status drop_behind_size(Mount& mount, Inode& inode);

}  // namespace butterfuse
