// SPDX-License-Identifier: GPL-2.0-or-later
// Checksum items: one EXTENT_CSUM item holds the checksums of consecutive data sectors.
#pragma once

#include <vector>

#include "core/base/byte_range.h"
#include "core/base/checksum.h"
#include "core/btree/cursor.h"

namespace butterfuse {

// Checksums packed as on disk: csum_size bytes a sector, in order.
using CsumBytes = std::vector<std::byte>;

// What is known of a range of sectors: `present[i]` says whether sector i has a checksum in `csums`.
struct CsumRange {
  CsumBytes csums;            // (length / sectorsize) * csum_size bytes; absent ones are zero
  std::vector<bool> present;  // one a sector
};

// Of all three: bytenrs are logical; EINVAL when a range is not made of whole sectors, EUCLEAN when an item
// in its place holds no checksums.

// Takes the csum tree's shared lock.
Result<CsumRange> lookup_csums(Tree& csum_tree, ByteRange bytenrs, uint32_t sectorsize, uint32_t csum_size);

// Adds checksums of fresh sectors, growing the neighbouring item where it touches. Takes the exclusive lock.
// Existing checksums of the same sectors are overwritten.
Status insert_csums(Tree& csum_tree, CowContext& context, uint64_t bytenr, ByteSpan csums,
                    uint32_t sectorsize, uint32_t csum_size);

// Forgets the checksums of the range, splitting items at its edges. Takes the exclusive lock.
Status delete_csums(Tree& csum_tree, CowContext& context, ByteRange bytenrs, uint32_t sectorsize,
                    uint32_t csum_size);

}  // namespace butterfuse
