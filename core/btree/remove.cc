// SPDX-License-Identifier: GPL-2.0-or-later
// WriteCursor's verbs that remove: one item, or a run of items leaf by leaf.
// A run balances once, at its end: in its middle neighbours would be merged that go in the next step.
#include "core/base/assert.h"
#include "core/btree/balance.h"
#include "core/btree/block_layout.h"
#include "core/btree/cow.h"
#include "core/btree/cursor.h"
#include "core/btree/make_room.h"
#include "core/btree/search.h"

namespace butterfuse {

Status WriteCursor::remove() {
  BF_ASSERT(valid(), "no item under the cursor in root={}", tree_.id());
  BF_TRY(remove_items(1));
  BF_TRY(balance_path(edit(), Merging::if_sparse));
  if (!valid()) BF_TRY(next_leaf(tree_, path_));
  return {};
}

Status WriteCursor::remove_while(const std::function<Result<bool>(const Key&, ByteSpan)>& keep_going) {
  std::optional<Error> failure;
  bool removed_any = false;
  while (valid()) {
    // keep_going may drop references that a shared leaf gets only with its copy.
    if (may_be_shared(tree_, path_.leaf(), path_.is_root(0))) BF_TRY(cow_path(edit()));
    BF_ASSIGN(uint32_t count, count_removable(keep_going, failure));
    if (count == 0) break;
    removed_any = true;
    bool to_leaf_end = path_.slots[0] + count == path_.leaf().count();
    BF_ASSIGN(bool at_next_leaf, remove_items(count));
    if (!to_leaf_end || failure) break;
    if (!at_next_leaf && !valid()) BF_TRY(next_leaf(tree_, path_));
  }
  if (removed_any) {
    BF_TRY(balance_path(edit(), Merging::always));
    if (!valid()) BF_TRY(next_leaf(tree_, path_));
  }
  if (failure) return tl::unexpected(std::move(*failure));
  return {};
}

// How many items of the leaf, from the cursor's on, are to go.
Result<uint32_t> WriteCursor::count_removable(
    const std::function<Result<bool>(const Key&, ByteSpan)>& keep_going, std::optional<Error>& failure) {
  LeafView leaf(path_.leaf().bytes());
  uint32_t slot = path_.slots[0];
  for (; slot < leaf.count(); ++slot) {
    auto go = keep_going(leaf.key(slot), leaf.data(slot));
    if (!go) {
      failure = std::move(go).error();
      break;
    }
    if (!*go) break;
  }
  return slot - path_.slots[0];
}

// Removes `count` items from the cursor's leaf on; the leaf goes with its last item. True when the cursor has
// moved to the next leaf for that; otherwise it stands behind what was removed, perhaps at the leaf's end.
Result<bool> WriteCursor::remove_items(uint32_t count) {
  uint32_t slot = path_.slots[0];
  if (count == path_.leaf().count() && !path_.is_root(0)) {
    // A leaf of ours alone goes without a copy: its references would only pass over to that.
    bool needs_copy = may_be_shared(tree_, path_.leaf(), false);
    BF_TRY(cow_path(edit(), needs_copy ? 0 : 1));
    return unlink_leaf(edit());
  }
  BF_TRY(cow_path(edit()));
  path_.leaf().set_next_insert_slot(TreeBlock::kNoSlot);
  leaf_remove(path_.leaf().mutable_bytes(), slot, slot + count);
  if (slot == 0 && path_.leaf().count() > 0) fix_low_keys(edit(), 1);
  return false;
}

}  // namespace butterfuse
