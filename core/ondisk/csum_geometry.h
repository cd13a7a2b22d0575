// SPDX-License-Identifier: GPL-2.0-or-later
// CsumGeometry: an EXTENT_CSUM item seen as checksums of a range of sectors.
#pragma once

#include "core/base/byte_range.h"
#include "core/base/bytes.h"

namespace butterfuse {

// Sector and checksum sizes of one file system, and the sums that follow from them.
//
//     (EXTENT_CSUM EXTENT_CSUM bytenr): [ csum ][ csum ][ csum ]    of the sectors from bytenr on, in order
//
// What of an item is no whole checksum at its end stands for no sector; tree_checker refuses such an item.
struct CsumGeometry {
  uint32_t sectorsize = 0;
  uint32_t csum_size = 0;

  uint64_t csum_bytes(uint64_t data_bytes) const { return data_bytes / sectorsize * csum_size; }
  uint64_t data_bytes(uint64_t csum_bytes) const { return csum_bytes / csum_size * sectorsize; }
  size_t count(ByteSpan csums) const { return csums.size() / csum_size; }
  ByteSpan at(ByteSpan csums, size_t index) const { return csums.subspan(index * csum_size, csum_size); }
  // The sectors whose checksums an item at `bytenr` holds. It does not look for an overflow.
  ByteRange sectors(uint64_t bytenr, ByteSpan csums) const {
    return ByteRange::at(bytenr, data_bytes(csums.size()));
  }
};

}  // namespace butterfuse
