// SPDX-License-Identifier: GPL-2.0-or-later
// Salvage: the items of a damaged tree, as many as can be told.
#pragma once

#include "core/check/check_state.h"
#include "core/survey/lost_nodes.h"
#include "core/survey/salvaged_tree.h"

namespace butterfuse::repair {

// Whether every block of the tree can be read, is what its parent promises, and the filter changes nothing.
// Reads all blocks of the tree, and stops at no error.
bool is_sound(Volume& volume, const check::TreeRoot& root, const ItemFilter& filter);

// Reads what can be read: blocks of another generation than promised, leaves whose item offsets do not add
// up, items among bad ones; fields that only lie too far in the future are set to `generation`. With `lost`,
// which is of this tree, what lost nodes led to is found as well.
SalvagedTree salvage_tree(Volume& volume, const check::TreeRoot& root, uint64_t generation,
                          const ItemFilter& filter, LostNodes* lost = nullptr);

}  // namespace butterfuse::repair
