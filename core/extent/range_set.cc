// SPDX-License-Identifier: GPL-2.0-or-later
// RangeSet: insertion merges neighbours, removal cuts them.
// Each of them is a few look-ups of a balanced tree, and one more for each range that is swallowed.
#include "core/extent/range_set.h"

#include <iterator>

namespace butterfuse {

void RangeSet::insert(ByteRange range) {
  ranges_.emplace(range.start, range.end);
  bytes_ += range.length();
  units_ += units_of(range);
}

RangeSet::Ranges::iterator RangeSet::erase(Ranges::iterator at) {
  const ByteRange range{at->first, at->second};
  bytes_ -= range.length();
  units_ -= units_of(range);
  return ranges_.erase(at);
}

//      [----a----)      [--b--)
//            [----range----)           all three become one
uint64_t RangeSet::add(ByteRange range) {
  if (range.empty()) return 0;
  const uint64_t before = bytes_;
  auto at = ranges_.upper_bound(range.start);
  if (at != ranges_.begin() && std::prev(at)->second >= range.start) --at;
  ByteRange merged = range;
  while (at != ranges_.end() && at->first <= range.end) {
    merged.start = std::min(merged.start, at->first);
    merged.end = std::max(merged.end, at->second);
    at = erase(at);
  }
  insert(merged);
  return bytes_ - before;
}

//      [----a---------b----)
//            [range)              leaves both ends
uint64_t RangeSet::remove(ByteRange range) {
  if (range.empty()) return 0;
  const uint64_t before = bytes_;
  auto at = ranges_.upper_bound(range.start);
  if (at != ranges_.begin() && std::prev(at)->second > range.start) --at;
  while (at != ranges_.end() && at->first < range.end) {
    const ByteRange old{at->first, at->second};
    at = erase(at);
    if (old.start < range.start) insert({old.start, range.start});
    if (old.end > range.end) insert({range.end, old.end});
  }
  return before - bytes_;
}

ByteRange RangeSet::around(uint64_t position) const {
  auto at = ranges_.upper_bound(position);
  if (at == ranges_.begin()) return {position, position};
  --at;
  if (at->second <= position) return {position, position};
  return {at->first, at->second};
}

bool RangeSet::overlaps(ByteRange range) const {
  if (range.empty()) return false;
  auto at = ranges_.upper_bound(range.start);
  if (at != ranges_.begin() && std::prev(at)->second > range.start) return true;
  return at != ranges_.end() && at->first < range.end;
}

std::vector<ByteRange> RangeSet::ranges() const {
  std::vector<ByteRange> result;
  for (const auto& [start, end] : ranges_) result.push_back({start, end});
  return result;
}

std::vector<ByteRange> RangeSet::gaps(ByteRange range) const {
  std::vector<ByteRange> gaps;
  auto at = ranges_.upper_bound(range.start);
  if (at != ranges_.begin()) range.start = std::max(range.start, std::prev(at)->second);
  for (; at != ranges_.end() && at->first < range.end; ++at) {
    if (at->first > range.start) gaps.push_back({range.start, at->first});
    range.start = at->second;
  }
  if (!range.empty()) gaps.push_back(range);
  return gaps;
}

}  // namespace butterfuse
