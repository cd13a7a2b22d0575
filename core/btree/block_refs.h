// SPDX-License-Identifier: GPL-2.0-or-later
// Block refs: the references a block makes on what it points to, and who may own which block.
#pragma once

#include <cstdint>

#include "core/btree/cow_context.h"
#include "core/btree/tree_block.h"

namespace butterfuse {

enum class RefChange { add, drop };

// Adds or drops the references that `block` makes: of a node on its children, of a leaf on data extents. They
// are keyed by the block's owner when `parent` is 0, or shared ones of that parent (the block's own bytenr).
// Leaves of trees other than fs trees refer to nothing.
Status change_child_refs(CowContext& context, const TreeBlock& block, RefChange change, uint64_t parent);

// Trees of files: they can share blocks.
bool is_fs_tree(uint64_t root_id);
// Whether a block with this owner may be part of the tree;
// snapshots hold blocks of the trees they were taken from.
bool owner_fits_tree(uint64_t root_id, uint64_t owner);

}  // namespace butterfuse
