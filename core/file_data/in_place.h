// SPDX-License-Identifier: GPL-2.0-or-later
// Writing in place: which extents allow it.
#pragma once

#include "core/delalloc/writeback_backend.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

// See WritebackBackend::in_place_ranges. Hold no tree lock.
Result<std::vector<InPlaceRange>> in_place_ranges(Filesystem& filesystem, DataOwner& owner, ByteRange file);

}  // namespace butterfuse
