// Writing in place: which extents allow it, and what becomes of the items of preallocated ones.
#pragma once

#include "core/transaction/filesystem.h"
#include "core/writeback/writeback_backend.h"

namespace butterfuse {

// See WritebackBackend::in_place_ranges. Hold no tree lock.
Result<std::vector<InPlaceRange>> in_place_ranges(Filesystem& filesystem, DataOwner& owner, ByteRange file);

// The bytes of `place` have their content now: its part of the PREALLOC item becomes a REG item, one with
// written neighbours of the same extent.
Status mark_prealloc_written(DataOwner& owner, const InPlaceRange& place, TransactionHandle& handle);

}  // namespace butterfuse
