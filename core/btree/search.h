// SPDX-License-Identifier: GPL-2.0-or-later
// Ways down and along a tree: search by key, neighbouring leaves, children checked against their parents.
#pragma once

#include <cstdint>

#include "core/btree/tree.h"
#include "core/btree/tree_path.h"

namespace butterfuse {

// All functions REQUIRE the tree's lock (shared or exclusive).
// After an error the path has no position (height 0).

// A path of the root alone.
Status load_root(Tree& tree, TreePath& path);
// Positions at the first item >= key of the only leaf that may hold `key`; the slot may be that leaf's count.
// True when the item is exactly `key`. Starts from the path's own leaf where that may hold the key.
Result<bool> search_path(Tree& tree, const Key& key, TreePath& path);
// The first item of the next leaf, the last one of the previous leaf.
// False, and the path as it was, without one.
Result<bool> next_leaf(Tree& tree, TreePath& path);
Result<bool> prev_leaf(Tree& tree, TreePath& path);
// From the path's slot at `level` down to the first item of the leftmost leaf (or the last of the rightmost).
enum class Side { left, right };
Status descend(Tree& tree, TreePath& path, int level, Side side);
// Behind the last item of the tree.
Status seek_end(Tree& tree, TreePath& path);

// A child of the path's node at `level`, read if need be, and checked against what the node promises: level,
// generation, owner, and keys inside the child's part of the key space. Hence every walk of a tree of hostile
// blocks ends: levels strictly fall on the way down, keys strictly rise on the way along.
Result<TreeBlockRef> read_child(Tree& tree, const TreePath& path, int level, uint32_t slot);

// First slot with a key >= key, or the count.
uint32_t leaf_lower_bound(const TreeBlock& leaf, const Key& key);
// Slot of the child that may hold the key: the last with a key <= key, or 0.
uint32_t node_child_slot(const TreeBlock& node, const Key& key);

}  // namespace butterfuse
