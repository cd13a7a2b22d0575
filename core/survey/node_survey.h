// SPDX-License-Identifier: GPL-2.0-or-later
// NodeSurvey: where the good nodes of each subvolume lead, and which keys lay below its lost ones.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_set>

#include "core/check/check_state.h"

namespace butterfuse::repair {

struct KeyRange {
  Key first, last;  // half open
  bool contains(const Key& key) const { return first <= key && key < last; }
};

// Of one tree.
struct KnownNodes {
  std::unordered_set<uint64_t> children;  // bytenrs that good nodes point to
  std::map<uint64_t, KeyRange> lost;      // nodes, by bytenr
};

// Remembers what it walked: many lost nodes ask for the same few trees.
class NodeSurvey {
 public:
  NodeSurvey(Volume& volume, const std::map<uint64_t, check::TreeRoot>& roots)
      : volume_(volume), roots_(roots) {}
  // Walked when first asked for. Nothing is known of a tree without root, nor once there are very many nodes.
  const KnownNodes& of(uint64_t tree);

 private:
  void walk(KnownNodes& known, uint64_t bytenr, int level, const KeyRange& range);

  Volume& volume_;
  const std::map<uint64_t, check::TreeRoot>& roots_;
  std::map<uint64_t, KnownNodes> known_;
  size_t children_ = 0;  // in all of them
};

}  // namespace butterfuse::repair
