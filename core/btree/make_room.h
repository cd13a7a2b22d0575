// SPDX-License-Identifier: GPL-2.0-or-later
// Room for what goes into a leaf or node: from its siblings where that is cheap, by splitting otherwise.
#pragma once

#include "core/btree/tree_edit.h"

namespace butterfuse {

enum class RoomFor { new_item, growing_item };

// Gives the path's leaf `bytes` free bytes for a new item before the path's slot (`bytes` counts its header)
// or for more data of the item there. The path follows to the leaf that has the room. `key`: of that item.
// REQUIRES a writable path, and an item that fits in an empty leaf.
Status make_room(const TreeEdit& edit, const Key& key, uint32_t bytes, RoomFor purpose);

// Splits the leaf where make_room found no other way. The same contract.
Status split_leaf(const TreeEdit& edit, const Key& key, uint32_t bytes, RoomFor purpose);

// Room for `wanted` more pointers in the path's node at `level`: splits nodes and lets the tree grow upwards.
Status make_ptr_room(const TreeEdit& edit, int level, uint32_t wanted);

// The keys above must be the first keys below, all the way up:
// repairs them when slot 0 of `level` got another.
void fix_low_keys(const TreeEdit& edit, int level);

}  // namespace butterfuse
