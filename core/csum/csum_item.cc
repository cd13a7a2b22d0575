// SPDX-License-Identifier: GPL-2.0-or-later
// Reading checksum items with distrust.
#include "core/csum/csum_item.h"

namespace butterfuse {

Result<ByteRange> csum_item_range(const CursorBase& cursor, const CsumGeometry& geometry) {
  Key key = cursor.key();
  const size_t size = cursor.data().size();
  const ByteRange sectors = geometry.sectors(key.offset, cursor.data());
  bool sound = key.objectid == objectid::kExtentCsum && key.type == key_type::kExtentCsum && size > 0 &&
               size % geometry.csum_size == 0 && key.offset % geometry.sectorsize == 0 &&
               sectors.end > sectors.start;
  if (!sound) {
    return make_error(EUCLEAN, "corrupt csum tree: block={} item {} of {} bytes holds no checksums",
                      cursor.path().leaf().bytenr(), to_text(key), size);
  }
  return sectors;
}

Result<bool> seek_csum(CursorBase& cursor, uint64_t bytenr, const CsumGeometry& geometry) {
  BF_ASSIGN(bool before, cursor.seek_at_or_before(csum_key(bytenr)));
  if (!before || !is_csum_key(cursor.key())) {
    BF_TRY(cursor.seek(csum_key(bytenr)));
    return false;
  }
  BF_ASSIGN(ByteRange range, csum_item_range(cursor, geometry));
  if (range.contains(bytenr)) return true;
  BF_TRY(cursor.next());
  return false;
}

Status check_csum_arguments(ByteRange bytenrs, const CsumGeometry& geometry) {
  if (bytenrs.start <= bytenrs.end && bytenrs.start % geometry.sectorsize == 0 &&
      bytenrs.end % geometry.sectorsize == 0) {
    return {};
  }
  return make_error(EINVAL, "checksums of [{}, {}), which is not made of sectors", bytenrs.start,
                    bytenrs.end);
}

}  // namespace butterfuse
