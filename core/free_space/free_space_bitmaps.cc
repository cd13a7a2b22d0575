// SPDX-License-Identifier: GPL-2.0-or-later
// FreeSpaceTree: changes of groups in bitmap form, and the conversions between both forms.
// A group in bitmap form has all its bitmaps, also those without a set bit: finding one never has to
// insert it.
#include <algorithm>
#include <bit>
#include <vector>

#include "core/free_space/free_space_tree.h"

namespace butterfuse {
namespace {

bool test_bit(ByteSpan bits, uint64_t index) {
  return (std::to_integer<unsigned>(bits[index / 8]) >> (index % 8)) & 1;
}

// Sets or clears bits [first, first + count); how many of them changed.
uint64_t change_bits(MutableByteSpan bits, uint64_t first, uint64_t count, bool value) {
  uint64_t changed = 0;
  for (uint64_t index = first; index < first + count;) {
    const unsigned shift = index % 8;
    const unsigned here = static_cast<unsigned>(std::min<uint64_t>(8 - shift, first + count - index));
    const unsigned mask = ((1u << here) - 1) << shift;
    std::byte& byte = bits[index / 8];
    const unsigned old = std::to_integer<unsigned>(byte);
    changed += std::popcount((value ? ~old : old) & mask);
    byte = static_cast<std::byte>(value ? old | mask : old & ~mask);
    index += here;
  }
  return changed;
}

}  // namespace

uint32_t FreeSpaceTreeEdit::bitmap_bytes(uint64_t length) const {
  return static_cast<uint32_t>(round_up(length / sectorsize_, 8) / 8);
}

Status FreeSpaceTreeEdit::seek_bitmap(uint64_t bytenr) {
  BF_TRY(cursor_.seek_at_or_before({bytenr, key_type::kFreeSpaceBitmap, ~uint64_t{0}}));
  const bool good = cursor_.valid() && cursor_.key().type == key_type::kFreeSpaceBitmap &&
                    group_.contains(cursor_.key().objectid) &&
                    cursor_.key().offset > bytenr - cursor_.key().objectid &&
                    cursor_.data().size() >= bitmap_bytes(cursor_.key().offset);
  if (good) return {};
  return make_error(EUCLEAN, "free space tree: no bitmap for {} of block group {}", bytenr, group_.start);
}

Result<bool> FreeSpaceTreeEdit::bit_at(uint64_t bytenr) {
  if (!group_.contains(bytenr)) return false;
  BF_TRY(seek_bitmap(bytenr));
  return test_bit(cursor_.data(), (bytenr - cursor_.key().objectid) / sectorsize_);
}

Status FreeSpaceTreeEdit::change_bitmaps(ByteRange range, bool free) {
  // Runs are counted across bitmaps: one that touches a free neighbour is no new one.
  BF_ASSIGN(const bool prev_free, bit_at(range.start == 0 ? ~uint64_t{0} : range.start - sectorsize_));
  BF_ASSIGN(const bool next_free, bit_at(range.end));
  uint64_t changed = 0;
  for (uint64_t position = range.start; position < range.end;) {
    BF_TRY(seek_bitmap(position));
    const ByteRange bitmap = ByteRange::at(cursor_.key().objectid, cursor_.key().offset);
    const ByteRange part = bitmap.intersection({position, range.end});
    BF_ASSIGN(MutableByteSpan bits, cursor_.mutable_data());
    changed +=
        change_bits(bits, (part.start - bitmap.start) / sectorsize_, part.length() / sectorsize_, free);
    position = part.end;
  }
  if (changed * sectorsize_ != range.length()) {
    return make_error(EUCLEAN, "free space tree: [{}, {}) of block group {} was {} in part already",
                      range.start, range.end, group_.start, free ? "free" : "used");
  }
  const int touching = int{prev_free} + int{next_free};
  extent_count_ += free ? 1 - touching : touching - 1;
  return {};
}

Status FreeSpaceTreeEdit::delete_free_space_items() {
  BF_TRY(cursor_.seek({group_.start, key_type::kFreeSpaceExtent, 0}));
  if (!cursor_.valid() || cursor_.key().objectid >= group_.end) return {};
  return cursor_.remove_while(
      [&](const Key& key, ByteSpan) -> Result<bool> { return key.objectid < group_.end; });
}

// By way of a FreeSpace in memory: the items of one form are gone before those of the other are there.
Status FreeSpaceTreeEdit::convert_to_bitmaps() {
  FreeSpace space(group_, sectorsize_);
  BF_TRY(load_free_space_tree(cursor_, group_, sectorsize_, space));
  BF_TRY(delete_free_space_items());
  flags_ |= free_space_flag::kUsingBitmaps;
  const uint64_t step = free_space_bitmap_range(sectorsize_);
  for (uint64_t start = group_.start; start < group_.end; start += step) {
    const uint64_t length = std::min(step, group_.end - start);
    BF_TRY(cursor_.insert({start, key_type::kFreeSpaceBitmap, length}, bitmap_bytes(length)));
  }
  std::vector<ByteRange> runs;
  space.for_each_run([&](ByteRange run) { runs.push_back(run); });
  extent_count_ = 0;
  for (const ByteRange& run : runs) BF_TRY(change_bitmaps(run, true));
  return {};
}

Status FreeSpaceTreeEdit::convert_to_extents() {
  FreeSpace space(group_, sectorsize_);
  BF_TRY(load_free_space_tree(cursor_, group_, sectorsize_, space));
  BF_TRY(delete_free_space_items());
  flags_ &= ~free_space_flag::kUsingBitmaps;
  std::vector<ByteRange> runs;
  space.for_each_run([&](ByteRange run) { runs.push_back(run); });
  for (const ByteRange& run : runs) {
    BF_TRY(cursor_.insert({run.start, key_type::kFreeSpaceExtent, run.length()}, ByteSpan{}));
  }
  extent_count_ = static_cast<uint32_t>(runs.size());
  return {};
}

}  // namespace butterfuse
