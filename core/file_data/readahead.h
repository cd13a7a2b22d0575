// SPDX-License-Identifier: GPL-2.0-or-later
// Readahead: fills the cache ahead of a sequential reader, several folios in parallel on a worker pool.
#pragma once

#include "core/delalloc/file_state.h"

namespace butterfuse {

// Queues the missing folios of `range` on `readers`. Never waits;
// drops what the readers are too far behind for.
void start_readahead(FileState& file, Executor& readers, ByteRange range);

}  // namespace butterfuse
