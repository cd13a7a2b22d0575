// SPDX-License-Identifier: GPL-2.0-or-later
// Splitting a leaf in two, or in three for an item so large that no two leaves can hold all.
//
//     at the end, or in a sequence   │ all that was there │ + │ the new item │       the left one stays full
//     anywhere else                  │ half │ + │ half │                             by bytes, not by items
//     no part fits                   │ before │ + │ the item │ + │ behind │
//
// What is written in order (files with growing offsets, new inodes) fills its leaves that way; halves would
// leave all of them half empty, since nobody comes back to the left one.
#include <optional>

#include "core/base/assert.h"
#include "core/btree/block_layout.h"
#include "core/btree/cow.h"
#include "core/btree/make_room.h"

namespace butterfuse {
namespace {

// The leaf's items as they will be: with the new item in its place, or with the growing one grown. The leaf
// must be parted at an index 0 < part < count() of this sequence.
class FutureItems {
 public:
  FutureItems(const TreeEdit& edit, uint32_t bytes, RoomFor purpose)
      : leaf_(edit.path.leaf().bytes()), slot_(edit.path.slot(0)), bytes_(bytes), purpose_(purpose) {}

  uint32_t count() const { return header_of(leaf_).nritems + (is_new() ? 1 : 0); }
  bool is_new() const { return purpose_ == RoomFor::new_item; }
  // The slot among today's items where a part at `part` begins.
  uint32_t existing_slot(uint32_t part) const { return is_new() && part > slot_ ? part - 1 : part; }

  // Where to part: at the new item when it belongs to a sequence, else in the middle.
  // Nothing when no part fits.
  std::optional<uint32_t> choose_part(bool sequential) const {
    if (is_new() && slot_ + 1 == count() && fits(slot_)) return slot_;  // the full leaf stays full
    if (is_new() && slot_ == 0 && fits(1)) return 1;
    if (sequential && fits(slot_ + 1)) return slot_ + 1;
    if (sequential && fits(slot_)) return slot_;
    return most_even_part();
  }

 private:
  uint32_t existing_bytes(uint32_t slot) const { return leaf_range_bytes(leaf_, slot, slot + 1); }
  uint32_t total() const { return leaf_used_bytes(leaf_) + bytes_; }
  uint32_t bytes_before(uint32_t part) const {
    uint32_t sum = leaf_range_bytes(leaf_, 0, existing_slot(part));
    return part > slot_ ? sum + bytes_ : sum;
  }
  bool fits(uint32_t part) const {
    if (part == 0 || part >= count()) return false;
    uint32_t left = bytes_before(part);
    return left <= leaf_capacity(leaf_.size()) && total() - left <= leaf_capacity(leaf_.size());
  }
  std::optional<uint32_t> most_even_part() const {
    std::optional<uint32_t> best;
    uint32_t best_difference = ~uint32_t{0};
    for (uint32_t part = 1; part < count(); ++part) {
      uint32_t left = bytes_before(part);
      uint32_t right = total() - left;
      uint32_t difference = left > right ? left - right : right - left;
      if (difference >= best_difference || !fits(part)) continue;
      best = part;
      best_difference = difference;
    }
    return best;
  }

  ByteSpan leaf_;
  uint32_t slot_;
  uint32_t bytes_;
  RoomFor purpose_;
};

// Moves the items from `slot` on to a new leaf at the right, where items may be none; its first key is or
// will be `key`. The path stays. REQUIRES room for a pointer.
Result<TreeBlockRef> split_off(const TreeEdit& edit, uint32_t slot, const Key& key) {
  TreeBlock& leaf = edit.path.leaf();
  BF_ASSIGN(TreeBlockRef right, new_tree_block(edit.tree.cache(), edit.context, edit.tree.id(), 0, key));
  leaf_move(leaf.mutable_bytes(), slot, leaf.count(), right->mutable_bytes(), 0);
  node_insert(edit.path.block(1).mutable_bytes(), edit.path.slot(1) + 1, key, right->bytenr(),
              right->generation());
  return right;
}

void step_right(const TreeEdit& edit, TreeBlockRef right, uint32_t slot) {
  edit.path.ref(0) = std::move(right);
  edit.path.slot(0) = slot;
  ++edit.path.slot(1);
}

Key key_of_slot(const TreeEdit& edit, uint32_t slot) { return LeafView(edit.path.leaf().bytes()).key(slot); }

// | before slot | the item alone | from slot on |
Status split_in_three_for_new(const TreeEdit& edit, const Key& key) {
  uint32_t slot = edit.path.slot(0);
  BF_TRY(split_off(edit, slot, key_of_slot(edit, slot)));
  BF_ASSIGN(TreeBlockRef middle, split_off(edit, slot, key));
  step_right(edit, std::move(middle), 0);
  return {};
}

Status split_in_three_for_growing(const TreeEdit& edit, const Key& key) {
  uint32_t slot = edit.path.slot(0);
  if (slot + 1 < edit.path.leaf().count()) BF_TRY(split_off(edit, slot + 1, key_of_slot(edit, slot + 1)));
  if (slot == 0) return {};
  BF_ASSIGN(TreeBlockRef middle, split_off(edit, slot, key));
  step_right(edit, std::move(middle), 0);
  return {};
}

}  // namespace

Status split_leaf(const TreeEdit& edit, const Key& key, uint32_t bytes, RoomFor purpose) {
  // For both new leaves, before anything moves: a split of nodes moves the path's parents.
  BF_TRY(make_ptr_room(edit, 1, 2));
  FutureItems future(edit, bytes, purpose);
  uint32_t slot = edit.path.slot(0);
  bool sequential = future.is_new() && slot == edit.path.leaf().next_insert_slot();
  edit.path.leaf().set_next_insert_slot(TreeBlock::kNoSlot);
  std::optional<uint32_t> part = future.choose_part(sequential);
  if (!part)
    return future.is_new() ? split_in_three_for_new(edit, key) : split_in_three_for_growing(edit, key);

  uint32_t existing = future.existing_slot(*part);
  bool new_is_first = future.is_new() && *part == slot;
  BF_ASSIGN(TreeBlockRef right, split_off(edit, existing, new_is_first ? key : key_of_slot(edit, existing)));
  if (slot >= *part) step_right(edit, std::move(right), slot - *part);
  return {};
}

}  // namespace butterfuse
