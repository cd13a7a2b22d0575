// SPDX-License-Identifier: GPL-2.0-or-later
// Tree walk: visits all blocks or all items of a possibly damaged tree, never twice, never in circles.
#pragma once

#include <functional>

#include "core/check/check_state.h"
#include "core/check/read_ahead.h"

namespace butterfuse::check {

using Block = std::vector<std::byte>;

// True for a child of a half-deleted subvolume (refs 0, drop_progress set) whose reference is already gone.
bool already_dropped(const TreeRoot& root, ByteSpan node, uint32_t slot);

// The block that `child` leads to, if it was walked and is what a parent with these promises wants.
const WalkedBlock* walked_as_promised(const CheckState& state, const ChildPointer& child,
                                      const Key& first_key);

// Subvolumes share blocks, and a balance shares with what it moves; other trees hold their own only.
bool may_hold_blocks_of(uint64_t root_id, uint64_t owner);

// Blocks with their order, for walks that know some from another tree, and need not read them again.
class TreeVisitor {
 public:
  virtual ~TreeVisitor() = default;
  // Before what is below it. `as_promised`: nothing was told of this block. False: neither descend nor leave.
  virtual bool enter(ByteSpan block, bool as_promised) = 0;
  virtual void leave(ByteSpan) {}
  // Asked when its parent's turn has come. True: the child is not read; at its own turn it is passed.
  virtual bool knows(const ChildPointer&, const Key& /*first_key*/) { return false; }
  virtual void pass(const ChildPointer&) {}
  virtual void tell(const std::string& finding) = 0;
  virtual bool stopped() { return false; }
};
void walk_tree(CheckState& state, const TreeRoot& root, TreeVisitor& visitor);

// Called before a block's children; false: do not descend.
using BlockVisitor = std::function<bool(ByteSpan block)>;
using ItemVisitor = std::function<void(const Key& key, ByteSpan data, ByteSpan leaf)>;

// Reads every block of the tree (checksum and tree_checker included), reports what can't be read or does not
// fit its parent or the tree: key, level, generation, owner. walk_items also reports keys out of order, and
// passes over what is left of their leaf.
void walk_blocks(CheckState& state, const TreeRoot& root, const BlockVisitor& visit);
void walk_items(CheckState& state, const TreeRoot& root, const ItemVisitor& visit);

}  // namespace butterfuse::check
