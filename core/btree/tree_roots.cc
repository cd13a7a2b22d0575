// SPDX-License-Identifier: GPL-2.0-or-later
// Trees coming to be: empty ones, and copies of a root for snapshots.
#include "core/btree/tree_roots.h"

#include "core/btree/block_refs.h"
#include "core/btree/cow.h"
#include "core/btree/search.h"

namespace butterfuse {
namespace {

constexpr uint64_t kNodesReadMax = 1000;  // beyond that the rest is extrapolated, so that opening stays quick

// `read`: how many nodes were.
Result<uint64_t> count_leaves_below(TreeBlockCache& cache, const TreeRootPointer& root, uint64_t& read) {
  if (root.level == 0) return 1;
  BF_ASSIGN(const TreeBlockRef block,
            cache.get(root.bytenr, {.generation = root.generation, .level = root.level}));
  const NodeView node(block->bytes());
  if (root.level == 1) return block->count();
  uint64_t leaves = 0;
  for (uint32_t slot = 0; slot < block->count(); ++slot) {
    if (++read > kNodesReadMax) return slot == 0 ? block->count() : leaves * block->count() / slot;
    const DiskKeyPtr& child = node.ptr(slot);
    BF_ASSIGN(const uint64_t below,
              count_leaves_below(cache, {child.blockptr, child.generation, root.level - 1}, read));
    leaves += below;
  }
  return leaves;
}

}  // namespace

Result<uint64_t> count_leaves(Tree& tree) {
  uint64_t read = 0;
  return count_leaves_below(tree.cache(), tree.root(), read);
}

Result<TreeRootPointer> create_tree_root(TreeBlockCache& cache, CowContext& context, uint64_t root_id) {
  BF_ASSIGN(TreeBlockRef leaf, new_tree_block(cache, context, root_id, 0, Key{}));
  return TreeRootPointer{leaf->bytenr(), leaf->generation(), 0};
}

// The old root is copied first, so that what the snapshot shares is what the running transaction has. From
// here on all blocks below have two references, of which only those of the first level are told: those below
// them follow when one of the trees is changed (copy-on-write).
Result<TreeRootPointer> copy_tree_root(Tree& source, CowContext& context, uint64_t new_root_id) {
  WriterLock lock(source.mutex());
  TreePath path;
  BF_TRY(load_root(source, path));
  int level = path.height - 1;
  BF_TRY(cow_level({source, context, path}, level));
  const TreeBlock& root = path.block(level);
  BF_ASSIGN(TreeBlockRef copy, new_tree_block_copy(source.cache(), context, new_root_id, root));
  BF_TRY(change_child_refs(context, *copy, RefChange::add, 0));
  source.set_last_snapshot(context.transid());
  return TreeRootPointer{copy->bytenr(), copy->generation(), level};
}

}  // namespace butterfuse
