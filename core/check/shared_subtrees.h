// SPDX-License-Identifier: GPL-2.0-or-later
// SharedSubtrees: judges whole subvolumes, of what they share each block once.
#pragma once

#include <unordered_map>

#include "core/check/subtree_sum.h"
#include "core/check/tree_walk.h"

namespace butterfuse::check {

// REQUIRES that references were counted: it is known by then which blocks several parents lead to, and their
// sums are all that is kept.
class SharedSubtrees {
 public:
  explicit SharedSubtrees(CheckState& state);
  // Whether there is nothing to tell of a subvolume. Then its inodes are counted, and its names of subvolumes
  // noted; else nothing is. Tells nothing by itself. False also when interrupted.
  bool is_sound(const TreeRoot& root);

 private:
  class Walk;
  CheckState& state_;
  const uint64_t seed_;
  std::unordered_map<uint64_t, SubtreeSum> sums_;  // by bytenr
};

}  // namespace butterfuse::check
