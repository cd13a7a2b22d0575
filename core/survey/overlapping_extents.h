// SPDX-License-Identifier: GPL-2.0-or-later
// Overlapping extents: items of one file that cover the same bytes.
#pragma once

#include <vector>

#include "core/btree/tree_image.h"

namespace butterfuse::repair {

// Sees all items of a tree in their order.
class OverlapWatch {
 public:
  void add(const Key& key, ByteSpan data);
  bool found() const { return found_; }

 private:
  uint64_t ino_ = 0, end_ = 0;  // of the last file extent
  bool found_ = false;
};

// The newer item keeps the bytes (of the same generation, the one behind); the other one keeps what is left
// of it, inline data only as a whole. Items are sorted and good by tree_checker each for itself, and stay
// sorted. Returns how many items had to give way.
uint32_t separate_extents(std::vector<TreeItem>& items);

}  // namespace butterfuse::repair
