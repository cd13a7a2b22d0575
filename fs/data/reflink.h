// SPDX-License-Identifier: GPL-2.0-or-later
// Reflink: file ranges that share extents.
#pragma once

#include "core/base/byte_range.h"
#include "fs/mount/mount.h"

namespace butterfuse {

struct CopyRequest {
  Inode& from;
  uint64_t from_offset = 0;
  Inode& to;
  uint64_t to_offset = 0;
  uint64_t length = 0;
};

// False where the source is stored inline, or one file has checksums and the other none.
// REQUIRES of the source as reflink.
Result<bool> can_reflink(const CopyRequest& request);
// Replaces what `to` has in the range by references to the extents of `from`, step by step: `done` is how
// many bytes are the source's now, and `to` grows as far as that. Whole sectors at both offsets; `length` may
// end inside a sector only at the end of both files. REQUIRES of both what ExtentStep does, can_reflink(),
// and where `to` grows drop_behind_size() and FileData::zero_old_end() before. ENOSPC between two steps.
Status reflink(Mount& mount, const CopyRequest& request, uint64_t& done);

}  // namespace butterfuse
