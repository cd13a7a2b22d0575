// SPDX-License-Identifier: GPL-2.0-or-later
// Truncate: a file gets another size.
#pragma once

#include "fs/mount/mount.h"

namespace butterfuse {

constexpr uint64_t kFileSizeMax = INT64_MAX;

// Changes i_size; times too when it differs. What is preallocated behind the end goes, also when the size
// stays. REQUIRES data_lock() exclusive. ENOSPC, EIO: nothing has changed, unless a long truncation stopped
// between two steps: the file is then as long as what it still has.
Status truncate(Mount& mount, Inode& inode, uint64_t size);

}  // namespace butterfuse
