// SPDX-License-Identifier: GPL-2.0-or-later
// Reading the checksums of a range.
// Copied out, so that the lock is free before the data is read.
#include <algorithm>

#include "core/csum/csum_item.h"
#include "core/csum/csum_tree.h"

namespace butterfuse {

Result<CsumRange> lookup_csums(Tree& csum_tree, ByteRange bytenrs, uint32_t sectorsize, uint32_t csum_size) {
  const CsumGeometry geometry{sectorsize, csum_size};
  BF_TRY(check_csum_arguments(bytenrs, geometry));
  CsumRange found;
  found.csums.resize(geometry.csum_bytes(bytenrs.length()));
  found.present.resize(bytenrs.length() / sectorsize);
  if (bytenrs.empty()) return found;

  ReadCursor cursor(csum_tree);
  BF_TRY(seek_csum(cursor, bytenrs.start, geometry));
  while (cursor.valid() && cursor.key() < csum_key(bytenrs.end)) {
    BF_ASSIGN(ByteRange item, csum_item_range(cursor, geometry));
    ByteRange common = item.intersection(bytenrs);
    auto to = static_cast<ptrdiff_t>(geometry.csum_bytes(common.start - bytenrs.start));
    auto first_sector = static_cast<ptrdiff_t>((common.start - bytenrs.start) / sectorsize);
    ByteSpan csums = cursor.data().subspan(geometry.csum_bytes(common.start - item.start),
                                           geometry.csum_bytes(common.length()));
    std::ranges::copy(csums, found.csums.begin() + to);
    std::fill_n(found.present.begin() + first_sector, common.length() / sectorsize, true);
    if (item.end >= bytenrs.end) break;
    BF_TRY(cursor.next());
  }
  return found;
}

}  // namespace butterfuse
