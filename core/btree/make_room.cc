// SPDX-License-Identifier: GPL-2.0-or-later
// Making room in a leaf from siblings that are at hand; splitting is next door.
//
//     new item at the end:  into the right sibling, if it has room
//     else:                 items to the left sibling, or to the right one, until both are about as full
//     else:                 split
//
// Only siblings in memory that are writable already are asked: to copy one would dirty two blocks in place
// of the one that a split makes. That keeps leaves of a tree under random insertion fuller than splits
// alone would.
#include "core/btree/make_room.h"

#include <algorithm>

#include "core/btree/block_layout.h"
#include "core/btree/cow.h"

namespace butterfuse {
namespace {

// A sibling of the path's leaf under the same parent that is in memory and writable already; null otherwise.
TreeBlockRef sibling_at_hand(const TreeEdit& edit, int direction) {
  if (edit.path.height < 2) return nullptr;
  const TreeBlock& parent = edit.path.block(1);
  uint32_t slot = edit.path.slot(1) + static_cast<uint32_t>(direction);  // wraps below 0
  if (slot >= parent.count()) return nullptr;
  const DiskKeyPtr& ptr = NodeView(parent.bytes()).ptr(slot);
  if (ptr.generation != edit.context.transid()) return nullptr;
  TreeBlockRef sibling = edit.tree.cache().peek(ptr.blockptr);
  // Nobody came to it by this pointer yet, which a damaged image may have pointing anywhere.
  const bool good = sibling && sibling->level() == 0 && sibling->header().owner == edit.tree.id() &&
                    sibling->count() > 0 && !(first_key_of(sibling->bytes()) < Key(ptr.key));
  return good && is_writable(edit, *sibling, false) ? sibling : nullptr;
}

// A sibling that is rather full would soon have to give the items back.
bool worth_a_push(const TreeBlock& sibling) {
  return leaf_free_bytes(sibling.bytes()) >= leaf_capacity(sibling.bytes().size()) / 4;
}

// How many bytes to move so that both leaves end up about as full, at least `bytes_min`.
uint32_t bytes_to_move(const TreeBlock& from, const TreeBlock& to, uint32_t bytes_min) {
  uint32_t used = leaf_used_bytes(from.bytes());
  uint32_t to_used = leaf_used_bytes(to.bytes());
  uint32_t half = used > to_used ? (used - to_used) / 2 : 0;
  return std::max(half, bytes_min);
}

// Moves items before the path's slot to the left sibling. True when the leaf then has `bytes` free.
bool push_left(const TreeEdit& edit, uint32_t bytes) {
  TreeBlock& leaf = edit.path.leaf();
  TreeBlockRef left = sibling_at_hand(edit, -1);
  if (!left || !worth_a_push(*left)) return false;
  uint32_t needed = bytes - leaf_free_bytes(leaf.bytes());
  uint32_t goal = bytes_to_move(leaf, *left, needed);
  uint32_t room = leaf_free_bytes(left->bytes());
  uint32_t last = 0;
  while (last < edit.path.slot(0) && leaf_range_bytes(leaf.bytes(), 0, last) < goal &&
         leaf_range_bytes(leaf.bytes(), 0, last + 1) <= room) {
    ++last;
  }
  if (leaf_range_bytes(leaf.bytes(), 0, last) < needed || last == leaf.count()) return false;
  leaf_move(leaf.mutable_bytes(), 0, last, left->mutable_bytes(), left->count());
  leaf.set_next_insert_slot(TreeBlock::kNoSlot);
  edit.path.slot(0) -= last;
  fix_low_keys(edit, 1);
  return true;
}

// Moves items from `first_min` on to the right sibling. True when the leaf then has `bytes` free.
bool push_right(const TreeEdit& edit, uint32_t bytes, uint32_t first_min) {
  TreeBlock& leaf = edit.path.leaf();
  TreeBlockRef right = sibling_at_hand(edit, +1);
  if (!right || !worth_a_push(*right)) return false;
  uint32_t count = leaf.count();
  uint32_t needed = bytes - leaf_free_bytes(leaf.bytes());
  uint32_t goal = bytes_to_move(leaf, *right, needed);
  uint32_t room = leaf_free_bytes(right->bytes());
  uint32_t first = count;
  while (first > std::max(first_min, 1u) && leaf_range_bytes(leaf.bytes(), first, count) < goal &&
         leaf_range_bytes(leaf.bytes(), first - 1, count) <= room) {
    --first;
  }
  if (leaf_range_bytes(leaf.bytes(), first, count) < needed) return false;
  leaf_move(leaf.mutable_bytes(), first, count, right->mutable_bytes(), 0);
  right->set_next_insert_slot(TreeBlock::kNoSlot);
  node_set_key(edit.path.block(1).mutable_bytes(), edit.path.slot(1) + 1, first_key_of(right->bytes()));
  return true;
}

// A new item behind the leaf's last may as well come before the right sibling's first.
bool step_into_right_sibling(const TreeEdit& edit, uint32_t bytes) {
  TreeBlockRef right = sibling_at_hand(edit, +1);
  if (!right || leaf_free_bytes(right->bytes()) < bytes) return false;
  edit.path.ref(0) = std::move(right);
  edit.path.slot(0) = 0;
  ++edit.path.slot(1);
  return true;
}

}  // namespace

Status make_room(const TreeEdit& edit, const Key& key, uint32_t bytes, RoomFor purpose) {
  const TreeBlock& leaf = edit.path.leaf();
  if (leaf_free_bytes(leaf.bytes()) >= bytes) return {};
  uint32_t slot = edit.path.slot(0);
  bool is_new = purpose == RoomFor::new_item;
  if (is_new && slot == leaf.count()) {
    if (step_into_right_sibling(edit, bytes)) return {};
  } else if (push_left(edit, bytes) || push_right(edit, bytes, is_new ? slot : slot + 1)) {
    return {};
  }
  return split_leaf(edit, key, bytes, purpose);
}

void fix_low_keys(const TreeEdit& edit, int level) {
  for (; level < edit.path.height; ++level) {
    uint32_t slot = edit.path.slot(level);
    node_set_key(edit.path.block(level).mutable_bytes(), slot,
                 first_key_of(edit.path.block(level - 1).bytes()));
    if (slot != 0) return;
  }
}

}  // namespace butterfuse
