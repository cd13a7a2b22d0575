// SPDX-License-Identifier: GPL-2.0-or-later
// Walking the extents of a file in order, with holes made up where there is no item.
// A walk shows inline data by its length in bytes; the rest of its sector is then a hole, which reads as the
// zeros that are there.
#include "core/items/file_extent_item.h"

namespace butterfuse {
namespace {

FileExtent hole(uint64_t start, uint64_t end) {
  FileExtent extent;
  extent.start = start;
  extent.num_bytes = extent.ram_bytes = end - start;
  return extent;
}

// Positions at the first item that can overlap bytes from `start` on.
Status seek_overlapping(ReadCursor& cursor, uint64_t ino, uint64_t start) {
  BF_ASSIGN(bool found, cursor.seek_at_or_before(file_extent_key(ino, start)));
  if (!found) {
    BF_TRY(cursor.seek(file_extent_key(ino, 0)));
  } else if (!is_file_extent_of(cursor.key(), ino)) {
    BF_TRY(cursor.next());
  }
  return {};
}

}  // namespace

Status for_each_file_extent(Tree& tree, uint64_t ino, ByteRange range,
                            const std::function<bool(const FileExtent&)>& visit) {
  ReadCursor cursor(tree);
  BF_TRY(seek_overlapping(cursor, ino, range.start));
  uint64_t position = range.start;  // everything before it has been visited
  while (position < range.end && cursor.valid()) {
    const Key key = cursor.key();
    if (!is_file_extent_of(key, ino) || key.offset >= range.end) break;
    BF_ASSIGN(FileExtent extent, checked_file_extent(key, cursor.data()));
    if (extent.end() > range.start) {
      // Items of one leaf were checked against each other; neighbours in two leaves were not.
      if (extent.start < position && position != range.start)
        return make_error(EUCLEAN, "root {} {}: overlaps the extent before it, which ends at {}", tree.id(),
                          to_text(key), position);
      if (extent.start > position && !visit(hole(position, extent.start))) return {};
      if (extent.kind == ExtentKind::inline_data) extent = decode_file_extent(key, cursor.data());
      if (!visit(extent)) return {};
      position = extent.end();
    }
    BF_TRY(cursor.next());
  }
  if (position < range.end) visit(hole(position, range.end));
  return {};
}

Result<std::vector<ByteRange>> ranges_without_items(Tree& tree, uint64_t ino, ByteRange range) {
  std::vector<ByteRange> gaps;
  ReadCursor cursor(tree);
  BF_TRY(seek_overlapping(cursor, ino, range.start));
  while (!range.empty() && cursor.valid() && is_file_extent_of(cursor.key(), ino)) {
    BF_ASSIGN(const FileExtent extent, checked_file_extent(cursor.key(), cursor.data()));
    if (extent.start >= range.end) break;
    if (extent.start > range.start) gaps.push_back({range.start, extent.start});
    range.start = std::max(range.start, occupied_end(extent));
    BF_TRY(cursor.next());
  }
  if (!range.empty()) gaps.push_back(range);
  return gaps;
}

Result<std::vector<FileExtent>> list_file_extents(Tree& tree, uint64_t ino, ByteRange range) {
  std::vector<FileExtent> extents;
  BF_TRY(for_each_file_extent(tree, ino, range, [&](const FileExtent& extent) {
    extents.push_back(extent);
    return true;
  }));
  return extents;
}

}  // namespace butterfuse
