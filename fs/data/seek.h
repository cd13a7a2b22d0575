// SPDX-License-Identifier: GPL-2.0-or-later
// SEEK_DATA and SEEK_HOLE.
#pragma once

#include "fs/mount/mount.h"

namespace butterfuse {

// Bytes that the kernel alone knows of may be anywhere: then the file has no hole before its end.
enum class SeekKnowledge : uint8_t { all, not_of_stores };

// First position >= offset that is data (or a hole); the end of the file counts as a hole. ENXIO behind the
// end, or when no data follows. Writes dirty data back first, so that the tree knows all of it.
Result<uint64_t> seek_data(Mount& mount, Inode& inode, uint64_t offset,
                           SeekKnowledge known = SeekKnowledge::all);
Result<uint64_t> seek_hole(Mount& mount, Inode& inode, uint64_t offset,
                           SeekKnowledge known = SeekKnowledge::all);

}  // namespace butterfuse
