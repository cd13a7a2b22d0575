// SPDX-License-Identifier: GPL-2.0-or-later
// RecordedBlocks: tree blocks as the extent tree records them: the way to what a lost node led to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/extent_tree/extent_item.h"

namespace butterfuse::repair {

class RecordedBlocks {
 public:
  // An EXTENT_ITEM of a tree block, or METADATA_ITEM.
  void add(const Key& key, const ExtentItem& item);
  // A reference that has an item of its own. Those follow their block's item in the tree.
  void add_ref(uint64_t bytenr, const ExtentRef& ref);

  // The children of a node are recorded for the node itself, if it has FULL_BACKREF: then there is no value.
  // Else they are for the tree that owns it, which is the oldest of those that reach it: the others are
  // snapshots, made later. `tree`, which reaches it, when nothing is recorded of it.
  std::optional<uint64_t> children_are_of(uint64_t node, uint64_t tree) const;

  bool is_recorded(uint64_t bytenr) const { return blocks_.contains(bytenr); }
  bool is_of_tree(uint64_t bytenr, uint64_t tree) const;
  bool is_of_subvolumes(uint64_t bytenr) const;   // and of nothing else
  uint64_t generation_of(uint64_t bytenr) const;  // 0: not recorded
  std::vector<uint64_t> trees() const;            // for which blocks are recorded

  const std::vector<uint64_t>& of_parent(uint64_t parent) const;
  const std::vector<uint64_t>& of_tree(uint64_t tree, int level) const;
  std::vector<uint64_t> of_nobody(int level) const;  // no reference is recorded

 private:
  struct Block {
    int level = -1;
    uint64_t generation = 0;
    bool full_backref = false;
    std::vector<uint64_t> trees, parents;
  };
  std::optional<uint64_t> oldest_tree(uint64_t node) const;

  std::map<uint64_t, Block> blocks_;                                   // by bytenr
  std::map<uint64_t, std::vector<uint64_t>> by_parent_;                // bytenr to bytenrs
  std::map<std::pair<uint64_t, int>, std::vector<uint64_t>> by_tree_;  // and level
};

}  // namespace butterfuse::repair
