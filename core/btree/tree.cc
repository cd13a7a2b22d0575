// Trees coming to be: empty ones, and copies of a root for snapshots.
#include "core/btree/tree.h"

#include "core/btree/block_refs.h"
#include "core/btree/cow.h"
#include "core/btree/search.h"

namespace butterfuse {

bool Tree::shareable() const { return is_fs_tree(id_); }

Result<TreeRootPointer> create_tree_root(TreeBlockCache& cache, CowContext& context, uint64_t root_id) {
  BF_ASSIGN(TreeBlockRef leaf, new_tree_block(cache, context, root_id, 0, Key{}, 0));
  return TreeRootPointer{leaf->bytenr(), leaf->generation(), 0};
}

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
