// SPDX-License-Identifier: GPL-2.0-or-later
// Rules for FREE_SPACE_INFO, FREE_SPACE_EXTENT and FREE_SPACE_BITMAP.
#include "core/ondisk/item_checks.h"

namespace butterfuse {

namespace {

Status check_bitmap_size(const ItemCheck& check) {
  const uint64_t range_max = uint64_t{kFreeSpaceBitmapBytes} * 8 * check.fs.sectorsize;
  if (check.key.offset > range_max || !check.sector_aligned(check.key.offset))
    return check.fail("invalid bitmap range, have {} want a multiple of {} up to {}", check.key.offset,
                      check.fs.sectorsize, range_max);
  return check.size_is((check.key.offset / check.fs.sectorsize + 7) / 8);
}

}  // namespace

Status check_free_space_item(const ItemCheck& check) {
  if (check.key.offset == 0 || !adds_up(check.key.objectid, check.key.offset))
    return check.fail("invalid free space range, have {} + {}", check.key.objectid, check.key.offset);
  switch (check.key.type) {
    case key_type::kFreeSpaceInfo:
      BF_TRY(check.size_is(sizeof(DiskFreeSpaceInfo)));
      break;
    case key_type::kFreeSpaceBitmap:
      BF_TRY(check_bitmap_size(check));
      break;
    default:
      BF_TRY(check.size_is(0));
      break;
  }
  if (!check.full()) return {};
  if (!check.sector_aligned(check.key.objectid) || !check.sector_aligned(check.key.offset))
    return check.fail("free space is not aligned to {}, have {} + {}", check.fs.sectorsize,
                      check.key.objectid, check.key.offset);
  return {};
}

}  // namespace butterfuse
