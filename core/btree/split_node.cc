// SPDX-License-Identifier: GPL-2.0-or-later
// Room for pointers: nodes split, and a root that splits gets a node above it.
#include <algorithm>

#include "core/btree/block_layout.h"
#include "core/btree/cow.h"
#include "core/btree/make_room.h"

namespace butterfuse {
namespace {

// A node above the root, with the old root as its only child.
Status grow_root(const TreeEdit& edit) {
  TreePath& path = edit.path;
  int level = path.height;
  if (level >= kMaxLevel) {
    return make_error(EUCLEAN, "root={} has {} levels and can't get more", edit.tree.id(), level);
  }
  const TreeBlock& old_root = path.block(level - 1);
  Key key = first_key_of(old_root.bytes());
  BF_ASSIGN(TreeBlockRef root, new_tree_block(edit.tree.cache(), edit.context, edit.tree.id(), level, key));
  node_insert(root->mutable_bytes(), 0, key, old_root.bytenr(), old_root.generation());
  edit.tree.set_root({root->bytenr(), root->generation(), level});
  path.ref(level) = std::move(root);
  path.slot(level) = 0;
  ++path.height;
  return {};
}

// A node that is being appended to keeps its pointers, another is halved. REQUIRES room for a pointer above.
Status split_node(const TreeEdit& edit, int level) {
  TreePath& path = edit.path;
  TreeBlock& node = path.block(level);
  uint32_t count = node.count();
  // Where the last child is split, more will come behind it: only that one moves.
  uint32_t first = path.slot(level) + 1 >= count ? count - 1 : count / 2;
  Key key = NodeView(node.bytes()).key(first);
  BF_ASSIGN(TreeBlockRef right, new_tree_block(edit.tree.cache(), edit.context, edit.tree.id(), level, key));
  node_move(node.mutable_bytes(), first, count, right->mutable_bytes(), 0);
  node_insert(path.block(level + 1).mutable_bytes(), path.slot(level + 1) + 1, key, right->bytenr(),
              right->generation());
  if (path.slot(level) < first) return {};
  path.slot(level) -= first;
  path.ref(level) = std::move(right);
  ++path.slot(level + 1);
  return {};
}

}  // namespace

Status make_ptr_room(const TreeEdit& edit, int level, uint32_t wanted) {
  if (level == edit.path.height) BF_TRY(grow_root(edit));
  const TreeBlock& node = edit.path.block(level);
  if (node.count() + wanted <= node_capacity(node.bytes().size())) return {};
  BF_TRY(make_ptr_room(edit, level + 1, 1));
  return split_node(edit, level);
}

}  // namespace butterfuse
