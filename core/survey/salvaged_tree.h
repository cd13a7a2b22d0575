// SPDX-License-Identifier: GPL-2.0-or-later
// SalvagedTree: what is left of a damaged tree.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "core/btree/tree_image.h"

namespace butterfuse::repair {

// May mend an item's data, or say no: then the item goes. The data may be of any content.
using ItemFilter = std::function<bool(const Key& key, std::vector<std::byte>& data)>;

struct SalvagedTree {
  std::vector<TreeItem> items;  // sorted, unique, each of them good by tree_checker
  uint64_t blocks_lost = 0;     // whose items are missing, unless found otherwise
  uint64_t blocks_found = 0;    // that the lost ones led to
  uint64_t items_lost = 0;
  uint64_t items_mended = 0;
  std::set<uint64_t> kindless;  // inodes whose mode has no type: they pass for regular files
};

}  // namespace butterfuse::repair
