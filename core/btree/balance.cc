// SPDX-License-Identifier: GPL-2.0-or-later
// Merging of sparse siblings, level by level from the leaf up.
//
//     used     0 ── 1/10 ─────── 1/3 ─────────────────────── 7/8 ── 1
//     a block  nearly empty: a sibling is read from disk for it
//              sparse: merged with a sibling that is in memory, if both together stay below 7/8
//
// The tree stays valid without any of this, and that sets the price: the more there is to save, the
// more may be spent. A tree is not kept half full as in a textbook, or each removal would read and
// write two neighbours. Merging needs a sparse one of the two, so that a block which was just split is
// not merged again.
#include "core/btree/balance.h"

#include "core/btree/block_layout.h"
#include "core/btree/cow.h"
#include "core/btree/make_room.h"
#include "core/btree/search.h"

namespace butterfuse {
namespace {

uint32_t used_bytes(const TreeBlock& block) {
  return block.level() == 0 ? leaf_used_bytes(block.bytes())
                            : block.count() * static_cast<uint32_t>(sizeof(DiskKeyPtr));
}
uint32_t capacity(const TreeBlock& block) { return leaf_capacity(block.bytes().size()); }
bool is_sparse(const TreeBlock& block) { return used_bytes(block) < capacity(block) / 3; }
bool is_nearly_empty(const TreeBlock& block) { return used_bytes(block) < capacity(block) / 10; }

// Leaves some room, so that the next insertion does not split what was merged.
bool worth_merging(const TreeBlock& left, const TreeBlock& right) {
  if (!is_sparse(left) && !is_sparse(right)) return false;
  return used_bytes(left) + used_bytes(right) <= capacity(left) / 8 * 7;
}

// The sibling for looking at it; null when it can't be had cheaply, or at all.
TreeBlockRef look_at_child(const TreeEdit& edit, int level, uint32_t slot, bool may_read) {
  if (!may_read && !edit.tree.cache().peek(NodeView(edit.path.block(level).bytes()).ptr(slot).blockptr))
    return nullptr;
  auto child = read_child(edit.tree, edit.path, level, slot);
  return child ? std::move(*child) : nullptr;
}

void copy_all(const TreeBlock& from, TreeBlock& to, uint32_t to_slot) {
  auto copy = from.level() == 0 ? leaf_copy : node_copy;
  copy(from.bytes(), 0, from.count(), to.mutable_bytes(), to_slot);
  to.set_next_insert_slot(TreeBlock::kNoSlot);
}

// The path's block at `level` goes into its left sibling, and the path with it. A block that is surely not
// shared needs no copy before it goes: its references pass over as they would to the copy.
Status merge_into_left(const TreeEdit& edit, int level) {
  TreePath& path = edit.path;
  BF_TRY(cow_path(edit, level + 1));
  if (may_be_shared(edit.tree, path.block(level), false)) BF_TRY(cow_level(edit, level));
  uint32_t slot = path.slot(level + 1);
  BF_ASSIGN(TreeBlockRef left, cow_child(edit, level + 1, slot - 1));
  TreeBlockRef leaving = path.ref(level);
  uint32_t left_count = left->count();
  copy_all(*leaving, *left, left_count);
  path.ref(level) = std::move(left);
  path.slot(level) += left_count;
  node_remove(path.block(level + 1).mutable_bytes(), slot, slot + 1);
  --path.slot(level + 1);
  return free_tree_block(edit, leaving);
}

// The right sibling goes into the path's block.
Status merge_from_right(const TreeEdit& edit, int level, TreeBlockRef right) {
  TreePath& path = edit.path;
  BF_TRY(cow_path(edit, level));
  uint32_t right_slot = path.slot(level + 1) + 1;
  if (may_be_shared(edit.tree, *right, false)) {
    BF_ASSIGN(right, cow_child(edit, level + 1, right_slot));
  }
  copy_all(*right, path.block(level), path.block(level).count());
  node_remove(path.block(level + 1).mutable_bytes(), right_slot, right_slot + 1);
  return free_tree_block(edit, right);
}

Status balance_level(const TreeEdit& edit, int level, Merging merging) {
  TreePath& path = edit.path;
  const TreeBlock& block = path.block(level);
  if (merging == Merging::if_sparse && !is_sparse(block)) return {};
  bool may_read = is_nearly_empty(block);
  uint32_t slot = path.slot(level + 1);
  if (slot > 0) {
    TreeBlockRef left = look_at_child(edit, level + 1, slot - 1, may_read);
    if (left && worth_merging(*left, block)) return merge_into_left(edit, level);
  }
  if (slot + 1 < path.block(level + 1).count()) {
    TreeBlockRef right = look_at_child(edit, level + 1, slot + 1, may_read);
    if (right && worth_merging(block, *right)) return merge_from_right(edit, level, std::move(right));
  }
  return {};
}

// A root with one child gives way to it. The child is copied first: as a root it counts as not shared.
Status shorten(const TreeEdit& edit) {
  TreePath& path = edit.path;
  while (path.height > 1 && path.block(path.height - 1).count() == 1) {
    int level = path.height - 2;
    BF_TRY(cow_path(edit, level));
    TreeBlockRef old_root = std::move(path.ref(level + 1));
    --path.height;
    const TreeBlock& root = path.block(level);
    edit.tree.set_root({root.bytenr(), root.generation(), level});
    BF_TRY(free_tree_block(edit, old_root));
  }
  return {};
}

// Takes the pointer at the path's slot out of the node at `level`, and nodes that this empties with it.
// Returns the level where the path then stands before the next child, or at a node's end. REQUIRES that a
// node on the path has a second child.
Result<int> remove_ptr(const TreeEdit& edit, int level) {
  TreePath& path = edit.path;
  while (path.block(level).count() == 1) {
    BF_TRY(free_tree_block(edit, path.ref(level)));
    ++level;
  }
  uint32_t slot = path.slot(level);
  node_remove(path.block(level).mutable_bytes(), slot, slot + 1);
  if (slot == 0) fix_low_keys(edit, level + 1);
  return level;
}

// From a node whose slot stands before the next child, or at its end, to the first item there.
Result<bool> settle(const TreeEdit& edit, int level) {
  TreePath& path = edit.path;
  if (path.slot(level) == path.block(level).count()) {
    while (level < path.height && path.slot(level) + 1 >= path.block(level).count()) ++level;
    if (level == path.height) {
      BF_TRY(seek_end(edit.tree, path));
      return false;
    }
    ++path.slot(level);
  }
  BF_TRY(descend(edit.tree, path, level, Side::left));
  return true;
}

bool is_only_leaf(const TreePath& path) {
  for (int level = 1; level < path.height; ++level) {
    if (path.block(level).count() > 1) return false;
  }
  return true;
}

}  // namespace

Status balance_path(const TreeEdit& edit, Merging merging) {
  for (int level = 0; level + 1 < edit.path.height; ++level) BF_TRY(balance_level(edit, level, merging));
  return shorten(edit);
}

Result<bool> unlink_leaf(const TreeEdit& edit) {
  TreePath& path = edit.path;
  if (is_only_leaf(path)) {
    BF_TRY(cow_path(edit));
    leaf_remove(path.leaf().mutable_bytes(), 0, path.leaf().count());
    path.slot(0) = 0;
    BF_TRY(shorten(edit));
    return false;
  }
  BF_TRY(free_tree_block(edit, path.ref(0)));
  BF_ASSIGN(int level, remove_ptr(edit, 1));
  return settle(edit, level);
}

}  // namespace butterfuse
