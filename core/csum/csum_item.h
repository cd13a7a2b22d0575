// SPDX-License-Identifier: GPL-2.0-or-later
// Checksum items under a cursor, read with distrust.
#pragma once

#include "core/btree/cursor.h"
#include "core/ondisk/csum_geometry.h"

namespace butterfuse {

constexpr Key csum_key(uint64_t bytenr) { return {objectid::kExtentCsum, key_type::kExtentCsum, bytenr}; }
// Log trees hold other items before their checksums.
constexpr bool is_csum_key(const Key& key) { return key.objectid == objectid::kExtentCsum; }

// The data sectors of the item under the cursor. EUCLEAN when it is no sound item of checksums.
Result<ByteRange> csum_item_range(const CursorBase& cursor, const CsumGeometry& geometry);

// Positions at the first item with checksums of sectors at or behind `bytenr`. False, the cursor invalid or
// on a later item, when none covers `bytenr`.
Result<bool> seek_csum(CursorBase& cursor, uint64_t bytenr, const CsumGeometry& geometry);

// EINVAL when the range is not made of whole sectors.
Status check_csum_arguments(ByteRange bytenrs, const CsumGeometry& geometry);

}  // namespace butterfuse
