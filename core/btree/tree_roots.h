// SPDX-License-Identifier: GPL-2.0-or-later
// Tree roots: how trees come to be, empty or as a snapshot.
#pragma once

#include "core/btree/cow_context.h"
#include "core/btree/tree.h"

namespace butterfuse {

// How many leaves the tree has, by the nodes above them; about so many, of a tree of very many nodes. For a
// fresh tree: nobody else uses it.
Result<uint64_t> count_leaves(Tree& tree);

// An empty leaf as the root of a tree that is being made. Its first reference is queued by the context.
Result<TreeRootPointer> create_tree_root(TreeBlockCache& cache, CowContext& context, uint64_t root_id);

// The root of a snapshot: a copy of the tree's root block owned by `new_root_id`, sharing all blocks below.
// Takes the exclusive lock, and sets last_snapshot of `source` to the running transid. The Tree of the
// snapshot must start with the same last_snapshot.
Result<TreeRootPointer> copy_tree_root(Tree& source, CowContext& context, uint64_t new_root_id);

}  // namespace butterfuse
