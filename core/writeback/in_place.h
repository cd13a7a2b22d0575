// Writing in place: which extents allow it.
#pragma once

#include "core/transaction/filesystem.h"
#include "core/writeback/writeback_backend.h"

namespace butterfuse {

// See WritebackBackend::in_place_ranges. Hold no tree lock.
Result<std::vector<InPlaceRange>> in_place_ranges(Filesystem& filesystem, DataOwner& owner, ByteRange file);

}  // namespace butterfuse
