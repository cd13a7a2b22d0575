// SPDX-License-Identifier: GPL-2.0-or-later
// RangeSet: disjoint byte ranges with exact sums: bytes, and how many extents of at most one unit they need.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/base/byte_range.h"

namespace butterfuse {

// Neighbours that touch are one range. Not thread-safe. `units` is kept and not counted: each write asks for
// it, and a file may have thousands of ranges. It is an upper bound of extents only while extents are cut at
// multiples of the unit, and nowhere else.
class RangeSet {
 public:
  explicit RangeSet(uint64_t unit) : unit_(unit) {}

  uint64_t add(ByteRange range);     // bytes that were not in the set
  uint64_t remove(ByteRange range);  // bytes that were
  // The whole range around `position`; empty when it is not in the set.
  ByteRange around(uint64_t position) const;
  bool overlaps(ByteRange range) const;
  // The parts of `range` that are not in the set, in order.
  std::vector<ByteRange> gaps(ByteRange range) const;
  uint64_t bytes() const { return bytes_; }
  uint64_t units() const { return units_; }
  // The largest number where there is none.
  uint64_t first() const { return ranges_.empty() ? ~uint64_t{0} : ranges_.begin()->first; }
  bool empty() const { return ranges_.empty(); }
  size_t count() const { return ranges_.size(); }
  std::vector<ByteRange> ranges() const;
  // Extents that `range` needs when extents are cut at multiples of the unit.
  uint64_t units_of(ByteRange range) const {
    return range.empty() ? 0 : (range.end - 1) / unit_ - range.start / unit_ + 1;
  }

 private:
  using Ranges = std::map<uint64_t, uint64_t>;  // start -> end
  void insert(ByteRange range);
  Ranges::iterator erase(Ranges::iterator at);

  const uint64_t unit_;
  uint64_t bytes_ = 0;
  uint64_t units_ = 0;
  Ranges ranges_;
};

}  // namespace butterfuse
