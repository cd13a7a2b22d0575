// Reflink: file ranges that share extents.
#pragma once

#include "fs/vfs/copy_range.h"

namespace butterfuse {

// False where the source is stored inline, or one file has checksums and the other none. REQUIRES of the
// source as reflink.
Result<bool> can_reflink(const CopyRequest& request);
// Whole sectors at both offsets; `length` may end inside a sector only at the end of both files. REQUIRES
// both data_lock()s exclusive and no dirty page or extent in flight in either range, and to.size() >= its
// end. Replaces what `to` has there. EOPNOTSUPP where the source is stored inline, or one file has checksums
// and the other none: nothing has changed then.
Status reflink(Mount& mount, const CopyRequest& request);

}  // namespace butterfuse
