// SPDX-License-Identifier: GPL-2.0-or-later
// ByteRange: a half-open range [start, end) of bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace butterfuse {

struct ByteRange {
  uint64_t start = 0;
  uint64_t end = 0;  // first byte behind the range

  static constexpr ByteRange at(uint64_t start, uint64_t length) { return {start, start + length}; }
  constexpr uint64_t length() const { return end - start; }
  constexpr bool empty() const { return end <= start; }
  constexpr bool contains(uint64_t position) const { return position >= start && position < end; }
  constexpr bool contains(ByteRange other) const { return other.start >= start && other.end <= end; }
  constexpr bool overlaps(ByteRange other) const { return start < other.end && other.start < end; }
  constexpr ByteRange intersection(ByteRange other) const {
    ByteRange both{std::max(start, other.start), std::min(end, other.end)};
    return both.empty() ? ByteRange{both.start, both.start} : both;
  }
  friend constexpr bool operator==(const ByteRange&, const ByteRange&) = default;
};

constexpr uint64_t round_down(uint64_t value, uint64_t unit) { return value / unit * unit; }
constexpr uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace butterfuse
