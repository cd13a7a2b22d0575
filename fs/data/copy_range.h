// SPDX-License-Identifier: GPL-2.0-or-later
// copy_file_range(2): shared extents where alignment allows, bytes at the edges.
#pragma once

#include "fs/data/reflink.h"
#include "fs/mount/caller.h"

namespace butterfuse {

// Bytes copied: up to the end of `from`, perhaps fewer than asked (the caller goes on from there): what was
// done when space ran out, and ENOSPC only where that is nothing and nothing has changed. Both may be the
// same file if the ranges do not overlap (EINVAL). What lies at the same place of its sector in both files is
// not copied but shared, as by the kernel's reflink. EFBIG, EPERM. A crash finds each sector of `to` old or
// new. `to` loses what drop_privileges takes from it for `caller`. Takes both data_lock()s exclusive.
Result<uint64_t> copy_range(Mount& mount, const CopyRequest& request, const Caller& caller = {});

}  // namespace butterfuse
