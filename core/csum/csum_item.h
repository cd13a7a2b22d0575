// CsumItem: an EXTENT_CSUM item seen as checksums of a range of sectors.
#pragma once

#include "core/base/byte_range.h"
#include "core/btree/cursor.h"

namespace butterfuse {

// Sector and checksum sizes of one file system, and the sums that follow from them.
struct CsumGeometry {
  uint32_t sectorsize = 0;
  uint32_t csum_size = 0;

  uint64_t csum_bytes(uint64_t data_bytes) const { return data_bytes / sectorsize * csum_size; }
  uint64_t data_bytes(uint64_t csum_bytes) const { return csum_bytes / csum_size * sectorsize; }
};

constexpr Key csum_key(uint64_t bytenr) { return {objectid::kExtentCsum, key_type::kExtentCsum, bytenr}; }
// Log trees hold other items before their checksums.
constexpr bool is_csum_key(const Key& key) { return key.objectid == objectid::kExtentCsum; }

// The data sectors of the item under the cursor. EUCLEAN when it is no sound item of checksums.
Result<ByteRange> csum_item_range(const CursorBase& cursor, const CsumGeometry& geometry);

// Positions at the first item with checksums of sectors at or behind `bytenr`. False (cursor invalid or on a
// later item) when no item covers `bytenr`.
Result<bool> seek_csum(CursorBase& cursor, uint64_t bytenr, const CsumGeometry& geometry);

// EINVAL when the range is not made of whole sectors.
Status check_csum_arguments(ByteRange bytenrs, const CsumGeometry& geometry);

}  // namespace butterfuse
