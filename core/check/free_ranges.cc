// SPDX-License-Identifier: GPL-2.0-or-later
// Free ranges: gathered, subtracted, compared.
#include "core/check/free_ranges.h"

#include <algorithm>

namespace butterfuse::check {

void append(Ranges& ranges, ByteRange range) {
  if (!ranges.empty() && ranges.back().end == range.start) {
    ranges.back().end = range.end;
  } else {
    ranges.push_back(range);
  }
}

void append_bitmap(Ranges& ranges, uint64_t start, ByteSpan map, uint64_t bits, uint64_t unit) {
  for (uint64_t index = 0; index < bits && index / 8 < map.size(); ++index) {
    if ((static_cast<uint8_t>(map[index / 8]) >> (index % 8)) & 1)
      append(ranges, ByteRange::at(start + index * unit, unit));
  }
}

Ranges gaps_between_extents(const CheckState& state, uint64_t start, uint64_t length) {
  Ranges gaps;
  uint64_t cursor = start;
  for (auto extent = state.extents.lower_bound(start);
       extent != state.extents.end() && extent->first < start + length; ++extent) {
    if (!extent->second.has_item) continue;
    if (extent->first > cursor) gaps.push_back({cursor, extent->first});
    cursor = std::max(cursor, extent->first + extent->second.length);
  }
  if (cursor < start + length) gaps.push_back({cursor, start + length});
  return gaps;
}

// One pass over both: what lies before a range is never looked at again.
Ranges subtract(const Ranges& have, const Ranges& without) {
  Ranges left;
  auto hole = without.begin();
  for (ByteRange range : have) {
    while (hole != without.end() && hole->end <= range.start) ++hole;
    for (auto next = hole; next != without.end() && next->start < range.end; ++next) {
      if (next->start > range.start) left.push_back({range.start, next->start});
      range.start = std::min(std::max(range.start, next->end), range.end);
    }
    if (!range.empty()) left.push_back(range);
  }
  return left;
}

// Only the first difference: one range too many shifts all behind it.
void compare_free_ranges(CheckState& state, const char* index, uint64_t group, const Ranges& have,
                         const Ranges& want) {
  for (size_t at = 0; at < std::max(have.size(), want.size()); ++at) {
    const ByteRange left = at < have.size() ? have[at] : ByteRange{};
    const ByteRange right = at < want.size() ? want[at] : ByteRange{};
    if (left == right) continue;
    return state.error("{}: block group {}: range {} is [{}, {}) but the extents leave [{}, {})", index,
                       group, at, left.start, left.end, right.start, right.end);
  }
}

}  // namespace butterfuse::check
