// SPDX-License-Identifier: GPL-2.0-or-later
// FreeSpaceDelta: what the free space tree does not know yet about one block group.
#pragma once

#include <cstddef>
#include <map>

#include "core/base/byte_range.h"

namespace butterfuse {

// Ranges that became free or used since the tree was written. A range that changes forth and back leaves
// nothing. Pieces are disjoint; neighbours of one state are merged. Not thread-safe.
class FreeSpaceDelta {
 public:
  // False, and nothing is recorded, when a part of the range was recorded with the same state before: freed
  // twice, say. What the tree says is not looked at here: that it agrees shows when the delta is applied.
  bool record(ByteRange range, bool free);
  bool empty() const { return pieces_.empty(); }
  size_t size() const { return pieces_.size(); }
  // visit(ByteRange, bool free), in address order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [start, piece] : pieces_) visit(ByteRange{start, piece.end}, piece.free);
  }

 private:
  struct Piece {
    uint64_t end;
    bool free;
  };
  using Pieces = std::map<uint64_t, Piece>;
  Pieces::iterator first_behind(uint64_t position);  // first piece with end > position
  void insert_merged(ByteRange range, bool free);
  Pieces pieces_;
};

}  // namespace butterfuse
