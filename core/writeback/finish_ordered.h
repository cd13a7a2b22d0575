// SPDX-License-Identifier: GPL-2.0-or-later
// finish_ordered: what was written becomes part of the file.
#pragma once

#include "core/writeback/cow_extent.h"

namespace butterfuse {

// Runs once all writes of the group ended, on the worker that ended the last; overlapping older extents
// first. In one transaction: old file extents dropped, new ones and checksums inserted, the inode told.
// Then page writeback ends and waiters wake. Dead extents and those that failed give their space back;
// errors go to the next fsync. A crash before the commit of that transaction leaves the old extents, which
// are pinned until then.
void finish_ordered(const CowGroupRef& group);

}  // namespace butterfuse
