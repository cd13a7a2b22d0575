// SPDX-License-Identifier: GPL-2.0-or-later
// Copy-on-write: blocks of older transactions become blocks of this one before they change.
#pragma once

#include "core/btree/tree_edit.h"

namespace butterfuse {

// Makes the path's blocks from the root down to `lowest_level` writable. From the top: a copy must be linked
// into a parent that may be changed. All of them queue the references that a copy entails; after an error the
// tree is half changed, and the transaction must be aborted.
Status cow_path(const TreeEdit& edit, int lowest_level = 0);
// Makes the path's block at one level writable. REQUIRES those above to be so already.
Status cow_level(const TreeEdit& edit, int level);
// Makes a child of the path's node at `level` writable that need not be on the path.
Result<TreeBlockRef> cow_child(const TreeEdit& edit, int level, uint32_t slot);

// True when other trees may refer to the block too. Roots are never shared, as snapshots copy them.
bool may_be_shared(const Tree& tree, const TreeBlock& block, bool is_root);
// Born in this transaction, not written out yet, and not shared: changes in place. Blocks that a snapshot
// taken in this very transaction might share are copied at every change until the commit, shared or not.
bool is_writable(const TreeEdit& edit, const TreeBlock& block, bool is_root);

// A new dirty block with its header filled in, and no items.
Result<TreeBlockRef> new_tree_block(TreeBlockCache& cache, CowContext& context, uint64_t root_id, int level,
                                    const Key& first_key);
// The same with the items of `original`. References are the caller's business.
Result<TreeBlockRef> new_tree_block_copy(TreeBlockCache& cache, CowContext& context, uint64_t root_id,
                                         const TreeBlock& original);
// The block has left the tree, which held its only reference.
Status free_tree_block(const TreeEdit& edit, const TreeBlockRef& block);

}  // namespace butterfuse
