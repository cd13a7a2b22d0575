// SPDX-License-Identifier: GPL-2.0-or-later
// NodeSurvey: a walk over nodes; leaves, most of the tree by far, are not read.
#include "core/survey/node_survey.h"

#include "core/ondisk/leaf_view.h"

namespace butterfuse::repair {
namespace {

constexpr size_t kMostChildren = 20'000'000;  // of file systems with 300 GiB of metadata; some 50 bytes each

}  // namespace

const KnownNodes& NodeSurvey::of(uint64_t tree) {
  const auto [known, is_new] = known_.try_emplace(tree);
  const auto root = roots_.find(tree);
  if (is_new && root != roots_.end() && root->second.level < kMaxLevel)
    walk(known->second, root->second.bytenr, root->second.level, {{}, kMaxKey});
  return known->second;
}

void NodeSurvey::walk(KnownNodes& known, uint64_t bytenr, int level, const KeyRange& range) {
  if (level <= 0 || children_ > kMostChildren) return;
  std::vector<std::byte> block(volume_.nodesize());
  if (!volume_.read_tree_block(bytenr, block, 0, level, kAnyGeneration)) {
    known.lost[bytenr] = range;
    return;
  }
  const NodeView node(block);
  for (uint32_t slot = 0; slot < node.count(); ++slot) {
    const uint64_t child = node.ptr(slot).blockptr;
    if (!known.children.insert(child).second) continue;
    ++children_;
    walk(known, child, level - 1,
         {node.key(slot), slot + 1 < node.count() ? node.key(slot + 1) : range.last});
  }
}

}  // namespace butterfuse::repair
