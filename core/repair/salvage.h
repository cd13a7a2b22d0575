// Salvage: the items of a damaged tree, as many as can be told.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "core/btree/tree_image.h"
#include "core/check/check_state.h"
#include "core/repair/lost_nodes.h"

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

// Whether every block of the tree can be read and is what its parent promises, and the filter has nothing to
// say.
bool is_sound(Volume& volume, const check::TreeRoot& root, const ItemFilter& filter);

// Reads what can be read: blocks of another generation than promised, leaves whose item offsets do not add
// up, items among bad ones; fields that only lie too far in the future are set to `generation`. With `lost`,
// which is of this tree, what lost nodes led to is found as well.
SalvagedTree salvage_tree(Volume& volume, const check::TreeRoot& root, uint64_t generation,
                          const ItemFilter& filter, LostNodes* lost = nullptr);

}  // namespace butterfuse::repair
