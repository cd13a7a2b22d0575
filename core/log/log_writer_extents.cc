// SPDX-License-Identifier: GPL-2.0-or-later
// Copying file data's items into a log: extents, explicit holes and checksums.
//
//     changed                 [----)
//     items now      [----A----)[-----B-----)[--C--)
//     items in log      [----old----)
//     grown to       [----------------------)               A and B are copied, `old` goes, C is as it was
//
// Items of a log must not overlap: a replay drops what the file has in an item's range before it inserts it,
// so that of two that overlap the second would take a part of the first away. So the range grows to whole
// items of both trees until it cuts none.
#include <algorithm>
#include <cstring>

#include "core/csum/csum_tree.h"
#include "core/log/log_writer.h"
#include "core/log/stored_extent.h"

namespace butterfuse {
namespace {

// Of one file; more is a full commit's work.
constexpr size_t kExtentsMax = 20'000;
// Lengths of extents are checked for not wrapping around; a hole of this length behind any offset does not.
constexpr uint64_t kHoleBytesMax = uint64_t{1} << 62;

bool is_extent_of(const Key& key, uint64_t ino) {
  return key.objectid == ino && key.type == key_type::kExtentData;
}

ByteRange file_range(const LogItem& item, uint32_t sectorsize) {
  const FileExtent extent = decode_file_extent(item.key, item.bytes);
  return {extent.start, round_up(extent.end(), sectorsize)};
}

ByteRange hull_of(ByteRange range, const std::vector<LogItem>& items, uint32_t sectorsize) {
  for (const LogItem& item : items) {
    const ByteRange extent = file_range(item, sectorsize);
    range = {std::min(range.start, extent.start), std::max(range.end, extent.end)};
  }
  return range;
}

LogItem hole_item(uint64_t ino, ByteRange range, uint64_t transid) {
  DiskFileExtent disk;
  std::memset(static_cast<void*>(&disk), 0, sizeof(disk));
  disk.generation = transid;
  disk.type = file_extent_type::kRegular;
  disk.num_bytes = disk.ram_bytes = range.length();
  const ByteSpan bytes = object_bytes(disk);
  return {{ino, key_type::kExtentData, range.start}, {bytes.begin(), bytes.end()}};
}

}  // namespace

// Items that overlap the range, whole.
Result<std::vector<LogItem>> LogWriter::extents_in(Tree& tree, uint64_t ino, ByteRange range) {
  const uint32_t sectorsize = filesystem_.sectorsize();
  std::vector<LogItem> items;
  ReadCursor cursor(tree);
  const Key first{ino, key_type::kExtentData, range.start};
  BF_ASSIGN(const bool before, cursor.seek_at_or_before(first));
  if (!before || !is_extent_of(cursor.key(), ino)) BF_TRY(cursor.seek(first));
  while (cursor.valid() && is_extent_of(cursor.key(), ino) && cursor.key().offset < range.end) {
    if (items.size() == kExtentsMax) return make_error(EFBIG, "inode {}: too many extents to log", ino);
    const ByteSpan data = cursor.data();
    LogItem item{cursor.key(), {data.begin(), data.end()}};
    if (file_range(item, sectorsize).end > range.start) items.push_back(std::move(item));
    BF_TRY(cursor.next());
  }
  return items;
}

// A replay removes nothing that the log does not name, so gaps become items of their own.
void LogWriter::fill_holes(std::vector<LogItem>& extents, uint64_t ino, ByteRange range) {
  std::vector<LogItem> all;
  uint64_t at = range.start;
  auto fill_to = [&](uint64_t end) {
    while (at < end) {
      const ByteRange hole{at, std::min(end, at + kHoleBytesMax)};
      all.push_back(hole_item(ino, hole, context_.transid()));
      at = hole.end;
    }
  };
  for (LogItem& item : extents) {
    const ByteRange extent = file_range(item, filesystem_.sectorsize());
    fill_to(std::min(extent.start, range.end));
    at = std::max(at, extent.end);
    all.push_back(std::move(item));
  }
  fill_to(range.end);
  extents = std::move(all);
}

// The range grows until it cuts no item of either tree: items of the log must not overlap.
Status LogWriter::copy_extents(uint64_t ino, ByteRange range, uint64_t size) {
  const uint32_t sectorsize = filesystem_.sectorsize();
  range.start = round_down(range.start, sectorsize);
  if (range.end < ~uint64_t{0} - sectorsize) range.end = round_up(range.end, sectorsize);
  std::vector<LogItem> wanted, old;
  for (ByteRange hull = range;; range = hull) {
    BF_ASSIGN(wanted, extents_in(tree_, ino, range));
    BF_ASSIGN(old, extents_in(log_, ino, range));
    hull = hull_of(hull_of(range, wanted, sectorsize), old, sectorsize);
    if (hull == range) break;
  }
  const ByteRange with_holes{range.start, std::min(range.end, round_up(size, sectorsize))};
  fill_holes(wanted, ino, with_holes);
  BF_TRY(replace_items(old, wanted));
  return copy_csums(wanted, old);
}

// Extents of older transactions have their checksums in the committed tree.
Status LogWriter::copy_csums(const std::vector<LogItem>& extents, const std::vector<LogItem>& old) {
  const uint32_t sectorsize = filesystem_.sectorsize(), csum_bytes = filesystem_.csum_size_bytes();
  auto known = old.begin();
  for (const LogItem& item : extents) {
    while (known != old.end() && known->key < item.key) ++known;
    if (known != old.end() && known->key == item.key && known->bytes == item.bytes) continue;
    const FileExtent extent = decode_file_extent(item.key, item.bytes);
    if (extent.kind != ExtentKind::regular || !is_on_disk(extent)) continue;
    if (extent.generation != context_.transid()) continue;
    const ByteRange stored = stored_range(extent);
    BF_ASSIGN(const CsumRange found, lookup_csums(filesystem_.csum_tree(), stored, sectorsize, csum_bytes));
    const ByteSpan csums = found.csums;
    for (size_t first = 0; first < found.present.size();) {
      size_t end = first;
      while (end < found.present.size() && found.present[end]) ++end;
      if (end > first)
        BF_TRY(insert_csums(log_, context_, stored.start + first * sectorsize,
                            csums.subspan(first * csum_bytes, (end - first) * csum_bytes), sectorsize,
                            csum_bytes));
      first = end + 1;
    }
  }
  return {};
}

}  // namespace butterfuse
