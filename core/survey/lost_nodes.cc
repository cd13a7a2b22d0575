// SPDX-License-Identifier: GPL-2.0-or-later
// LostNodes: from lost nodes to what may have been below.
//
// The extent tree does not say which node leads to a block. What it says instead, the surest witness first:
// - of_parent: the block's reference names the lost node itself (FULL_BACKREF). Then it is a child of it.
// - of_tree: the block is referred to by a tree that owned the lost node. It is a child of it only if no good
//   node of that tree leads to it, and if its first key lies in the range of a lost one: hence NodeSurvey.
// - unreached: the tree is recorded for more blocks than it reaches. Such a record may be what is wrong: only
//   a block of the very generation recorded, whose keys fill a gap, is taken.
// - of_nobody: the item is there and its references are not. Only the block's header can say whose it is.
#include "core/survey/lost_nodes.h"

#include <algorithm>

namespace butterfuse::repair {

void LostRanges::add(int level, const KeyRange& range) {
  Key& last = by_level_[static_cast<size_t>(level)][range.first];
  last = std::max(last, range.last);
}

void LostRanges::add(const LostRanges& others) {
  for (size_t level = 0; level < by_level_.size(); ++level)
    for (const auto& [first, last] : others.by_level_[level]) add(static_cast<int>(level), {first, last});
}

std::optional<KeyRange> LostRanges::above(int level, const Key& key) const {
  for (size_t higher = static_cast<size_t>(level) + 1; higher < by_level_.size(); ++higher) {
    const auto behind = by_level_[higher].upper_bound(key);
    if (behind == by_level_[higher].begin()) continue;
    const auto& [first, last] = *std::prev(behind);
    if (key < last) return KeyRange{first, last};
  }
  return std::nullopt;
}

bool LostNodes::find_unreached(const check::TreeRoot& root) {
  const auto& reached = survey_.of(tree_).children;
  for (int level = 0; level < kMaxLevel - 1 && !unreached_; ++level)
    unreached_ = std::ranges::any_of(recorded_.of_tree(tree_, level), [&](uint64_t bytenr) {
      return bytenr != root.bytenr && !reached.contains(bytenr);
    });
  if (unreached_) all_.add(kMaxLevel - 1, {Key{}, kMaxKey});
  any_ |= unreached_;
  return unreached_;
}

// Where subvolumes that share a node differ behind it, its keys end where they end in its owner's tree.
void LostNodes::add(uint64_t bytenr, int level, const KeyRange& range) {
  if (level <= 0) return;
  any_ = true;
  all_.add(level, range);
  lost_[static_cast<size_t>(level)].push_back(bytenr);
  const std::optional<uint64_t> owner = recorded_.children_are_of(bytenr, tree_);
  if (!owner) return;
  KeyRange own = range;
  if (*owner != tree_) {
    const auto& lost = survey_.of(*owner).lost;
    if (const auto there = lost.find(bytenr); there != lost.end())
      own = {std::max(own.first, there->second.first), std::min(own.last, there->second.last)};
  }
  by_owner_[*owner].add(level, own);
}

void LostNodes::add(const Candidate& unreadable, int level) {
  if (level <= 0) return;
  lost_[static_cast<size_t>(level)].push_back(unreadable.bytenr);
  const std::optional<uint64_t> owner = recorded_.children_are_of(unreadable.bytenr, tree_);
  if (owner && &by_owner_[*owner] != unreadable.ranges) by_owner_[*owner].add(*unreadable.ranges);
}

// A block may be among them more than once, with other ranges; the salvager visits it once.
std::vector<LostNodes::Candidate> LostNodes::at(int level) {
  std::vector<Candidate> candidates;
  for (const uint64_t parent : lost_[static_cast<size_t>(level) + 1])
    for (const uint64_t bytenr : recorded_.of_parent(parent)) candidates.push_back({bytenr, &all_});
  for (const auto& [owner, ranges] : by_owner_) {
    const KnownNodes* const known = owner == tree_ ? nullptr : &survey_.of(owner);
    for (const uint64_t bytenr : recorded_.of_tree(owner, level))
      if (known == nullptr || !known->children.contains(bytenr)) candidates.push_back({bytenr, &ranges});
  }
  if (unreached_)
    for (const uint64_t bytenr : recorded_.of_tree(tree_, level))
      candidates.push_back({bytenr, &all_, false, recorded_.generation_of(bytenr)});
  if (any_)
    for (const uint64_t bytenr : recorded_.of_nobody(level)) candidates.push_back({bytenr, &all_, true});
  return candidates;
}

}  // namespace butterfuse::repair
