// SPDX-License-Identifier: GPL-2.0-or-later
// FreeSpaceTree: life of a group's items, and changes of those in extent form.
//
// An extent is an item without data, 25 bytes with its place in the leaf; a bitmap of 256 bytes stands for
// 8 MiB of sectors. So bitmaps are smaller from some 1400 free runs in a GiB on.
//
//     extents ──more than high──> bitmaps         high: where all bitmaps are as large as the extents
//             <──fewer than low──                 low:  100 less, so that a group between the two does not
//                                                       change its form with each commit
#include "core/free_space/free_space_tree.h"

#include <algorithm>

namespace butterfuse {
namespace {

Key extent_key(ByteRange range) { return {range.start, key_type::kFreeSpaceExtent, range.length()}; }

}  // namespace

FreeSpaceThresholds FreeSpaceThresholds::of(uint64_t group_length, uint32_t sectorsize) {
  const uint64_t range = free_space_bitmap_range(sectorsize);
  const uint64_t bitmaps = round_up(group_length, range) / range;
  // For 1 GiB of 4 KiB sectors: 128 bitmaps, 35968 bytes, 1438 extents.
  const uint64_t bitmaps_bytes = bitmaps * (sizeof(DiskItem) + kFreeSpaceBitmapBytes);
  FreeSpaceThresholds thresholds;
  thresholds.high = static_cast<uint32_t>(bitmaps_bytes / sizeof(DiskItem));
  thresholds.low = thresholds.high > 100 ? thresholds.high - 100 : 0;
  return thresholds;
}

Status FreeSpaceTreeEdit::create() {
  BF_TRY(destroy());
  DiskFreeSpaceInfo info;
  info.extent_count = 1;
  info.flags = 0;
  BF_TRY(cursor_.insert(info_key(), object_bytes(info)));
  return cursor_.insert(extent_key(group_), ByteSpan{});
}

Status FreeSpaceTreeEdit::destroy() {
  BF_TRY(cursor_.seek({group_.start, 0, 0}));
  if (!cursor_.valid() || cursor_.key().objectid >= group_.end) return {};
  return cursor_.remove_while(
      [&](const Key& key, ByteSpan) -> Result<bool> { return key.objectid < group_.end; });
}

Status FreeSpaceTreeEdit::begin() {
  BF_TRY(FreeSpace::check_length(group_));  // both conversions make one
  BF_ASSIGN(const bool found, cursor_.seek(info_key()));
  if (!found || cursor_.data().size() != sizeof(DiskFreeSpaceInfo)) {
    return make_error(EUCLEAN, "free space tree: block group {} length {} has no FREE_SPACE_INFO",
                      group_.start, group_.length());
  }
  const auto info = cursor_.as<DiskFreeSpaceInfo>();
  extent_count_ = info.extent_count;
  flags_ = info.flags;
  return {};
}

Status FreeSpaceTreeEdit::add(ByteRange range) {
  return flags_ & free_space_flag::kUsingBitmaps ? change_bitmaps(range, true) : add_to_extents(range);
}

Status FreeSpaceTreeEdit::remove(ByteRange range) {
  return flags_ & free_space_flag::kUsingBitmaps ? change_bitmaps(range, false) : remove_from_extents(range);
}

// Once for all changes of a commit: a group that is fragmented for a moment does not change its form for it.
Status FreeSpaceTreeEdit::finish() {
  const FreeSpaceThresholds thresholds = FreeSpaceThresholds::of(group_.length(), sectorsize_);
  const bool bitmaps = flags_ & free_space_flag::kUsingBitmaps;
  if (!bitmaps && extent_count_ > thresholds.high) BF_TRY(convert_to_bitmaps());
  if (bitmaps && extent_count_ < thresholds.low) BF_TRY(convert_to_extents());
  BF_ASSIGN(const bool found, cursor_.seek(info_key()));
  if (!found) return make_error(EUCLEAN, "free space tree: FREE_SPACE_INFO of {} is gone", group_.start);
  DiskFreeSpaceInfo info;
  info.extent_count = extent_count_;
  info.flags = flags_;
  return cursor_.replace(info);
}

Result<bool> FreeSpaceTreeEdit::seek_extent_before(uint64_t bytenr) {
  BF_TRY(cursor_.seek_at_or_before({bytenr, key_type::kFreeSpaceExtent, ~uint64_t{0}}));
  if (!cursor_.valid()) return false;
  const Key key = cursor_.key();
  return key.type == key_type::kFreeSpaceExtent && group_.contains(key.objectid);
}

//   before   |--prev--|    range    |--next--|
//   after    |-----------------------------|     (one item, when both touch)
Status FreeSpaceTreeEdit::add_to_extents(ByteRange range) {
  const ByteRange fresh = range;
  BF_ASSIGN(const bool has_prev, seek_extent_before(range.start));
  const ByteRange prev = has_prev ? ByteRange::at(cursor_.key().objectid, cursor_.key().offset) : ByteRange{};
  BF_ASSIGN(const bool has_next, seek_extent_before(range.end));
  const ByteRange next = has_next ? ByteRange::at(cursor_.key().objectid, cursor_.key().offset) : ByteRange{};
  // The last extent that starts at or before the end is `prev` itself, or one that starts exactly at the end.
  if ((has_prev && prev.end > range.start) || (has_next && next != prev && next.start != range.end)) {
    return make_error(EUCLEAN, "free space tree: [{}, {}) of block group {} is free already", range.start,
                      range.end, group_.start);
  }
  const bool joins_next = has_next && next.start == range.end;
  const bool joins_prev = has_prev && prev.end == range.start;
  if (joins_next) range.end = next.end;
  if (joins_prev) range.start = prev.start;
  if (!joins_next && !joins_prev) {
    extent_count_++;
    return cursor_.insert(extent_key(fresh), ByteSpan{});
  }
  if (joins_next && joins_prev) {
    extent_count_--;
    BF_TRY(cursor_.remove());  // the cursor is on `next`
  }
  if (joins_prev) BF_TRY(cursor_.seek(extent_key(prev)));
  return cursor_.set_key(extent_key(range));
}

//   before   |---------old----------|
//   after    |-head-|  range  |-tail-|    (either may be empty)
Status FreeSpaceTreeEdit::remove_from_extents(ByteRange range) {
  BF_ASSIGN(const bool found, seek_extent_before(range.start));
  const ByteRange old = found ? ByteRange::at(cursor_.key().objectid, cursor_.key().offset) : ByteRange{};
  if (!old.contains(range)) {
    return make_error(EUCLEAN, "free space tree: [{}, {}) of block group {} is not free", range.start,
                      range.end, group_.start);
  }
  const ByteRange head{old.start, range.start}, tail{range.end, old.end};
  if (head.empty() && tail.empty()) {
    extent_count_--;
    return cursor_.remove();
  }
  BF_TRY(cursor_.set_key(extent_key(head.empty() ? tail : head)));
  if (head.empty() || tail.empty()) return {};
  extent_count_++;
  return cursor_.insert(extent_key(tail), ByteSpan{});
}

}  // namespace butterfuse
