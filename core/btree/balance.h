// SPDX-License-Identifier: GPL-2.0-or-later
// Balance: keeps the tree dense after removals: neighbours merge, empty blocks leave, a lone child is root.
#pragma once

#include "core/btree/tree_edit.h"

namespace butterfuse {

// How eagerly siblings are looked at: only for the sake of a block that became sparse, or also when the left
// sibling may have become so.
enum class Merging { if_sparse, always };

// Merges blocks of the path with siblings where that saves a block, and shortens the tree. Reading siblings
// from disk is not worth it unless the block is nearly empty; a sibling that can't be read is left alone.
// REQUIRES a position at a leaf; makes the path writable where it changes it.
Status balance_path(const TreeEdit& edit, Merging merging);

// The path's leaf, emptied or about to be thrown away with all its items, leaves the tree. The path then
// leads to the first item of the next leaf; false, and behind the last item of the tree, when there was none.
// The last leaf of a tree stays, empty. REQUIRES a writable path above the leaf, and a leaf that no other
// tree refers to.
Result<bool> unlink_leaf(const TreeEdit& edit);

}  // namespace butterfuse
