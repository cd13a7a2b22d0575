// SPDX-License-Identifier: GPL-2.0-or-later
// RecordedBlocks: indexes over the references of tree blocks: by the parent they name, and by tree and level.
#include "core/survey/recorded_blocks.h"

#include <algorithm>
#include <set>

#include "core/ondisk/item_checks.h"

namespace butterfuse::repair {
namespace {

const std::vector<uint64_t> kNone;
constexpr size_t kClimbMax = 1000;  // blocks; an honest file system has as many subvolumes above a block

}  // namespace

void RecordedBlocks::add(const Key& key, const ExtentItem& item) {
  const bool skinny = key.type == key_type::kMetadataItem;
  Block& block = blocks_[key.objectid];
  block.level = skinny ? static_cast<int>(key.offset) : item.level;
  block.generation = item.generation;
  block.full_backref = item.flags & extent_flag::kFullBackref;
  for (const CountedRef& counted : item.inline_refs) add_ref(key.objectid, counted.ref);
}

void RecordedBlocks::add_ref(uint64_t bytenr, const ExtentRef& ref) {
  const auto block = blocks_.find(bytenr);
  // A reference without its block says nothing of where that is in a tree.
  if (block == blocks_.end()) return;
  if (ref.type == key_type::kSharedBlockRef) {
    block->second.parents.push_back(ref.parent);
    by_parent_[ref.parent].push_back(bytenr);
  } else if (ref.type == key_type::kTreeBlockRef) {
    block->second.trees.push_back(ref.root);
    by_tree_[{ref.root, block->second.level}].push_back(bytenr);
  }
}

std::optional<uint64_t> RecordedBlocks::children_are_of(uint64_t node, uint64_t tree) const {
  const auto block = blocks_.find(node);
  if (block == blocks_.end()) return tree;
  if (block->second.full_backref) return std::nullopt;
  return oldest_tree(node).value_or(tree);
}

// Upwards by shared references, which a balance makes within one tree, too. Trees have rising numbers: the
// lowest is the oldest, and a snapshot is younger than what it was taken of.
std::optional<uint64_t> RecordedBlocks::oldest_tree(uint64_t node) const {
  std::set<uint64_t> seen{node};
  std::vector<uint64_t> ahead{node};
  std::optional<uint64_t> oldest;
  while (!ahead.empty() && seen.size() < kClimbMax) {
    const auto block = blocks_.find(ahead.back());
    ahead.pop_back();
    if (block == blocks_.end()) continue;
    for (const uint64_t tree : block->second.trees) oldest = std::min(tree, oldest.value_or(tree));
    for (const uint64_t parent : block->second.parents)
      if (seen.insert(parent).second) ahead.push_back(parent);
  }
  return oldest;
}

bool RecordedBlocks::is_of_tree(uint64_t bytenr, uint64_t tree) const {
  const auto block = blocks_.find(bytenr);
  return block != blocks_.end() && std::ranges::count(block->second.trees, tree) > 0;
}

bool RecordedBlocks::is_of_subvolumes(uint64_t bytenr) const {
  const auto block = blocks_.find(bytenr);
  return block != blocks_.end() && std::ranges::all_of(block->second.trees, is_fs_tree) &&
         (!block->second.trees.empty() || !block->second.parents.empty());
}

uint64_t RecordedBlocks::generation_of(uint64_t bytenr) const {
  const auto block = blocks_.find(bytenr);
  return block == blocks_.end() ? 0 : block->second.generation;
}

std::vector<uint64_t> RecordedBlocks::trees() const {
  std::vector<uint64_t> trees;
  for (const auto& [place, bytenrs] : by_tree_)
    if (trees.empty() || trees.back() != place.first) trees.push_back(place.first);
  return trees;
}

const std::vector<uint64_t>& RecordedBlocks::of_parent(uint64_t parent) const {
  const auto found = by_parent_.find(parent);
  return found == by_parent_.end() ? kNone : found->second;
}

const std::vector<uint64_t>& RecordedBlocks::of_tree(uint64_t tree, int level) const {
  const auto found = by_tree_.find({tree, level});
  return found == by_tree_.end() ? kNone : found->second;
}

std::vector<uint64_t> RecordedBlocks::of_nobody(int level) const {
  std::vector<uint64_t> found;
  for (const auto& [bytenr, block] : blocks_)
    if (block.level == level && block.trees.empty() && block.parents.empty()) found.push_back(bytenr);
  return found;
}

}  // namespace butterfuse::repair
