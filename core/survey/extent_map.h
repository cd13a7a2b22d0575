// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentMap: every extent that the trees of a forest use, with all references: an extent tree in memory.
#pragma once

#include "core/extent_tree/extent_item.h"
#include "core/extent_tree/extent_ref.h"
#include "core/survey/forest.h"

namespace butterfuse::repair {

struct Extent {
  uint64_t length = 0;
  uint64_t generation = 0;
  bool is_tree_block = false;
  bool full_backref = false;
  int level = 0;
  Key first_key;                 // of tree blocks
  std::vector<CountedRef> refs;  // sorted

  void add(const ExtentRef& ref);
};
using ExtentMap = std::map<uint64_t, Extent>;  // by bytenr

// Extents of the trees that stay, and the data of those that are written anew; not their own blocks.
ExtentMap collect_extents(Volume& volume, const Forest& forest);

// The items of the extent tree, keyed references where inline ones would be too many.
std::vector<TreeItem> extent_items(const ExtentMap& extents, bool skinny, uint32_t nodesize);

}  // namespace butterfuse::repair
