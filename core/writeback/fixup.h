// SPDX-License-Identifier: GPL-2.0-or-later
// Fixup: a page found dirty without delalloc gets the promises it should have had, then goes as others do.
#pragma once

#include "core/cache/locked_pages.h"
#include "core/delalloc/file_state.h"

namespace butterfuse {

// Unlocks `page` and queues its fixup: space is promised (waiting is allowed there, with no page locked), the
// page made delalloc if it is still dirty without it. It stays dirty throughout; without space it is
// abandoned with ENOSPC. FileState::wait_background(fixup) waits for it.
void queue_fixup(FileState& file, LockedPage page);

}  // namespace butterfuse
