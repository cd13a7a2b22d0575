// SPDX-License-Identifier: GPL-2.0-or-later
// TreePath: the blocks from a tree's root down to a leaf, and the slot in each.
#pragma once

#include <array>
#include <cstdint>

#include "core/btree/tree_block.h"

namespace butterfuse {

struct TreePath {
  std::array<TreeBlockRef, kMaxLevel> blocks;  // [0] is the leaf
  std::array<uint32_t, kMaxLevel> slots{};     // the leaf's may be its count: behind its last item
  int height = 0;                              // levels in use; 0: no position

  TreeBlock& block(int level) const { return *blocks[static_cast<size_t>(level)]; }
  TreeBlock& leaf() const { return *blocks[0]; }
  TreeBlockRef& ref(int level) { return blocks[static_cast<size_t>(level)]; }
  uint32_t slot(int level) const { return slots[static_cast<size_t>(level)]; }
  uint32_t& slot(int level) { return slots[static_cast<size_t>(level)]; }
  bool is_root(int level) const { return level + 1 == height; }
};

}  // namespace butterfuse
