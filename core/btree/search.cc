// SPDX-License-Identifier: GPL-2.0-or-later
// Search by key from the root down, and steps to neighbouring leaves.
//
// Starting from the leaf that the cursor is on, where it covers the key, saves the descent for all that goes
// on near the last place. The blocks of a path stay in memory by its references, whatever the cache evicts.
#include "core/btree/search.h"

#include "core/base/assert.h"
#include "core/btree/block_layout.h"
#include "core/btree/block_refs.h"

namespace butterfuse {
namespace {

bool less(const DiskKey& left, const Key& right) {
  if (left.objectid != right.objectid) return left.objectid < right.objectid;
  if (left.type != right.type) return left.type < right.type;
  return left.offset < right.offset;
}

// Key of a slot where entries of `stride` bytes begin with their key.
const DiskKey& key_at(const TreeBlock& block, size_t stride, uint32_t slot) {
  return *reinterpret_cast<const DiskKey*>(block.bytes().data() + sizeof(DiskHeader) + slot * stride);
}

template <size_t stride>
// Without a branch that depends on the comparison, which no processor could foresee.
uint32_t lower_bound(const TreeBlock& block, const Key& key) {
  uint32_t low = 0;
  uint32_t length = block.count();
  while (length > 0) {
    uint32_t half = length / 2;
    bool right = less(key_at(block, stride, low + half), key);
    low = right ? low + half + 1 : low;
    length = right ? length - half - 1 : half;
  }
  return low;
}

// The first key behind the part of the key space that belongs to a child; null at the tree's right edge.
const DiskKey* key_behind_child(const TreePath& path, int level, uint32_t slot) {
  for (; level < path.height; ++level) {
    const TreeBlock& node = path.block(level);
    if (slot + 1 < node.count()) return &key_at(node, sizeof(DiskKeyPtr), slot + 1);
    slot = level + 1 < path.height ? path.slot(level + 1) : 0;
  }
  return nullptr;
}

Status check_owner(const Tree& tree, const TreeBlock& block) {
  if (owner_fits_tree(tree.id(), block.header().owner)) return {};
  return make_error(EUCLEAN, "corrupt tree: root={} block={} owner {} does not belong to this tree",
                    tree.id(), block.bytenr(), uint64_t{block.header().owner});
}

Status check_child(const Tree& tree, const DiskKeyPtr& ptr, const DiskKey* behind, const TreeBlock& child) {
  if (child.count() == 0) {
    return make_error(EUCLEAN, "corrupt tree: root={} block={} is empty, and not a root", tree.id(),
                      child.bytenr());
  }
  if (std::memcmp(child.first_key_bytes().data(), &ptr.key, sizeof(DiskKey)) != 0) {
    return make_error(EUCLEAN, "corrupt tree: root={} block={} first key {}, its parent says {}", tree.id(),
                      child.bytenr(), to_text(first_key_of(child.bytes())), to_text(ptr.key));
  }
  if (behind != nullptr && !(last_key_of(child.bytes()) < Key(*behind))) {
    return make_error(EUCLEAN, "corrupt tree: root={} block={} last key {} not below its neighbour's {}",
                      tree.id(), child.bytenr(), to_text(last_key_of(child.bytes())), to_text(*behind));
  }
  return check_owner(tree, child);
}

// The key lies in the part of the key space of the path's leaf.
bool leaf_covers(const TreePath& path, const Key& key) {
  if (path.height == 0 || path.leaf().count() == 0) return false;
  LeafView leaf(path.leaf().bytes());
  if (key < leaf.key(0)) return false;
  if (key <= leaf.key(leaf.count() - 1)) return true;
  if (path.height == 1) return true;
  const DiskKey* behind = key_behind_child(path, 1, path.slot(1));
  return behind == nullptr || key < Key(*behind);
}

// Puts the child under the path's slot at `level` into the path.
Status step_down(Tree& tree, TreePath& path, int level) {
  auto child = read_child(tree, path, level, path.slot(level));
  if (!child) {
    path.height = 0;
    return tl::unexpected(std::move(child).error());
  }
  path.ref(level - 1) = std::move(*child);
  return {};
}

}  // namespace

uint32_t leaf_lower_bound(const TreeBlock& leaf, const Key& key) {
  return lower_bound<sizeof(DiskItem)>(leaf, key);
}

uint32_t node_child_slot(const TreeBlock& node, const Key& key) {
  uint32_t slot = lower_bound<sizeof(DiskKeyPtr)>(node, key);
  if (slot < node.count() && Key(key_at(node, sizeof(DiskKeyPtr), slot)) == key) return slot;
  return slot == 0 ? 0 : slot - 1;
}

Status load_root(Tree& tree, TreePath& path) {
  path.height = 0;
  TreeRootPointer root = tree.root();
  if (root.level < 0 || root.level >= kMaxLevel) {
    return make_error(EUCLEAN, "corrupt tree: root={} block={} level {}, want below {}", tree.id(),
                      root.bytenr, root.level, kMaxLevel);
  }
  BF_ASSIGN(TreeBlockRef block, tree.cache().get(root.bytenr, {root.generation, root.level}));
  BF_TRY(check_owner(tree, *block));
  if (block->level() > 0 && block->count() == 0) {
    return make_error(EUCLEAN, "corrupt tree: root={} block={} is a node without children", tree.id(),
                      root.bytenr);
  }
  path.height = root.level + 1;
  path.ref(root.level) = std::move(block);
  path.slot(root.level) = 0;
  return {};
}

Result<TreeBlockRef> read_child(Tree& tree, const TreePath& path, int level, uint32_t slot) {
  const DiskKeyPtr& ptr = NodeView(path.block(level).bytes()).ptr(slot);
  BF_ASSIGN(TreeBlockRef child, tree.cache().get(ptr.blockptr, {ptr.generation, level - 1}));
  BF_TRY(check_child(tree, ptr, key_behind_child(path, level, slot), *child));
  return child;
}

Result<bool> search_path(Tree& tree, const Key& key, TreePath& path) {
  if (!leaf_covers(path, key)) {
    BF_TRY(load_root(tree, path));
    for (int level = path.height - 1; level > 0; --level) {
      path.slot(level) = node_child_slot(path.block(level), key);
      BF_TRY(step_down(tree, path, level));
    }
  }
  const TreeBlock& leaf = path.leaf();
  uint32_t slot = leaf_lower_bound(leaf, key);
  path.slot(0) = slot;
  return slot < leaf.count() && LeafView(leaf.bytes()).key(slot) == key;
}

Status descend(Tree& tree, TreePath& path, int level, Side side) {
  for (; level > 0; --level) {
    BF_TRY(step_down(tree, path, level));
    uint32_t count = path.block(level - 1).count();
    path.slot(level - 1) = side == Side::left ? 0 : count - 1;
  }
  return {};
}

Result<bool> next_leaf(Tree& tree, TreePath& path) {
  int level = 1;
  while (level < path.height && path.slot(level) + 1 >= path.block(level).count()) ++level;
  if (level >= path.height) return false;
  ++path.slot(level);
  BF_TRY(descend(tree, path, level, Side::left));
  return true;
}

Result<bool> prev_leaf(Tree& tree, TreePath& path) {
  int level = 1;
  while (level < path.height && path.slot(level) == 0) ++level;
  if (level >= path.height) return false;
  --path.slot(level);
  BF_TRY(descend(tree, path, level, Side::right));
  return true;
}

Status seek_end(Tree& tree, TreePath& path) {
  BF_TRY(load_root(tree, path));
  int top = path.height - 1;
  if (top > 0) {
    path.slot(top) = path.block(top).count() - 1;
    BF_TRY(descend(tree, path, top, Side::right));
  }
  path.slot(0) = path.leaf().count();
  return {};
}

}  // namespace butterfuse
