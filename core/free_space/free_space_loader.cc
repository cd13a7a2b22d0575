// SPDX-License-Identifier: GPL-2.0-or-later
// FreeSpaceLoader: reading free space of one block group.
// By both ways each range is checked against what was added before: two items that overlap would have a
// sector given out twice. After an error `into` holds a part, and is thrown away.
#include "core/free_space/free_space_loader.h"

#include "core/free_space/free_space_tree.h"

namespace butterfuse {
namespace {

Status add_range(FreeSpace& into, const Key& key, ByteRange range, uint32_t sectorsize) {
  const ByteRange group = into.range();
  const bool aligned =
      range.start % sectorsize == group.start % sectorsize && range.length() % sectorsize == 0;
  if (range.end <= range.start || !group.contains(range) || !aligned ||
      into.set_free(range) != range.length()) {
    return make_error(EUCLEAN, "free space tree: {} overlaps another item or leaves block group {}",
                      to_text(key), group.start);
  }
  return {};
}

Status add_bitmap(FreeSpace& into, const Key& key, ByteSpan bits, uint32_t sectorsize) {
  const uint64_t sectors = key.offset / sectorsize;
  if (key.offset == 0 || bits.size() > kFreeSpaceBitmapBytes || sectors > bits.size() * 8) {
    return make_error(EUCLEAN, "free space tree: {} has {} bytes of bitmap", to_text(key), bits.size());
  }
  const auto is_free = [&](uint64_t index) {
    return (std::to_integer<unsigned>(bits[index / 8]) >> (index % 8)) & 1;
  };
  for (uint64_t index = 0; index < sectors; index++) {
    if (!is_free(index)) continue;
    const uint64_t first = index;
    while (index + 1 < sectors && is_free(index + 1)) index++;
    const ByteRange run = ByteRange::at(key.objectid + first * sectorsize, (index + 1 - first) * sectorsize);
    BF_TRY(add_range(into, key, run, sectorsize));
  }
  return {};
}

}  // namespace

Status load_free_space_tree(CursorBase& cursor, ByteRange group, uint32_t sectorsize, FreeSpace& into) {
  BF_ASSIGN(const bool found, cursor.seek({group.start, key_type::kFreeSpaceInfo, group.length()}));
  if (!found || cursor.data().size() != sizeof(DiskFreeSpaceInfo)) {
    return make_error(EUCLEAN, "free space tree: block group {} length {} has no FREE_SPACE_INFO",
                      group.start, group.length());
  }
  const uint32_t flags = cursor.as<DiskFreeSpaceInfo>().flags;
  const uint8_t wanted =
      flags & free_space_flag::kUsingBitmaps ? key_type::kFreeSpaceBitmap : key_type::kFreeSpaceExtent;
  BF_TRY(cursor.next());
  uint64_t touched = 0;  // where the extent before ends: one that begins there would be one with it
  while (cursor.valid() && cursor.key().objectid < group.end) {
    const Key key = cursor.key();
    if (key.type != wanted) {
      return make_error(EUCLEAN, "free space tree: {} is not of its block group's form", to_text(key));
    }
    if (wanted == key_type::kFreeSpaceExtent) {
      if (key.offset > group.length() || key.objectid == touched)
        return make_error(EUCLEAN, "free space tree: {} is too long or touches the one before", to_text(key));
      BF_TRY(add_range(into, key, ByteRange::at(key.objectid, key.offset), sectorsize));
      touched = key.objectid + key.offset;
    } else {
      BF_TRY(add_bitmap(into, key, cursor.data(), sectorsize));
    }
    BF_TRY(cursor.next());
  }
  return {};
}

Status scan_extent_tree(CursorBase& cursor, ByteRange group, uint32_t sectorsize, uint32_t nodesize,
                        FreeSpace& into) {
  uint64_t position = group.start;
  BF_TRY(cursor.seek({group.start, 0, 0}));
  while (cursor.valid() && cursor.key().objectid < group.end) {
    const Key key = cursor.key();
    const bool metadata = key.type == key_type::kMetadataItem;
    if (metadata || key.type == key_type::kExtentItem) {
      const uint64_t length = metadata ? nodesize : key.offset;
      const bool aligned = (key.objectid - group.start) % sectorsize == 0 && length % sectorsize == 0;
      if (key.objectid < position || length == 0 || length > group.end - key.objectid || !aligned) {
        return make_error(EUCLEAN, "extent tree: {} overlaps the extent before or leaves block group {}",
                          to_text(key), group.start);
      }
      // Keys of one bytenr follow each other: other items between two extents (keyed references) are
      // passed over.
      into.set_free({position, key.objectid});
      position = key.objectid + length;
    }
    BF_TRY(cursor.next());
  }
  into.set_free({position, group.end});
  return {};
}

}  // namespace butterfuse
