// SPDX-License-Identifier: GPL-2.0-or-later
// LostNodes: the nodes of one tree that can't be read, and which recorded blocks may have hung below them.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "core/survey/node_survey.h"
#include "core/survey/recorded_blocks.h"

namespace butterfuse::repair {

// Key ranges of lost nodes, by level: those of one level do not overlap.
class LostRanges {
 public:
  void add(int level, const KeyRange& range);
  void add(const LostRanges& others);
  // The lowest one above `level` that contains the key.
  std::optional<KeyRange> above(int level, const Key& key) const;

 private:
  std::array<std::map<Key, Key>, kMaxLevel> by_level_;  // first to last
};

class LostNodes {
 public:
  LostNodes(const RecordedBlocks& recorded, NodeSurvey& survey, uint64_t tree)
      : recorded_(recorded), survey_(survey), tree_(tree) {}

  struct Candidate {
    uint64_t bytenr = 0;
    const LostRanges* ranges = nullptr;  // its first key must lie in one of them
    bool of_nobody = false;              // only its header can say whose it is
    // Not zero: it must be of this generation, and its keys lie between those that are known.
    uint64_t unreached = 0;
  };

  const RecordedBlocks& recorded() const { return recorded_; }
  // Whether blocks are recorded for the tree that none of its nodes leads to, since one has lost a pointer.
  // They are candidates, too.
  bool find_unreached(const check::TreeRoot& root);
  bool any() const { return any_; }
  // A node whose keys were known to lie in the range.
  void add(uint64_t bytenr, int level, const KeyRange& range);
  // A candidate that can't be read itself: it may be in any of its ranges.
  void add(const Candidate& unreadable, int level);
  // Blocks of a level, to be asked for from the highest to the lowest: those found may have lost children
  // again. Blocks that other nodes of their owner lead to are not among them. Pointers in candidates are
  // valid until this object ends; ranges that are added later are in them, too.
  std::vector<Candidate> at(int level);

 private:
  const RecordedBlocks& recorded_;
  NodeSurvey& survey_;
  const uint64_t tree_;
  bool any_ = false, unreached_ = false;
  LostRanges all_;
  std::map<uint64_t, LostRanges> by_owner_;            // of the nodes' children
  std::array<std::vector<uint64_t>, kMaxLevel> lost_;  // bytenrs by level
};

}  // namespace butterfuse::repair
