// SPDX-License-Identifier: GPL-2.0-or-later
// Lost roots: root blocks are never shared, so that their owner is their tree.
#include "core/survey/lost_roots.h"

#include "core/ondisk/leaf_view.h"

namespace butterfuse::repair {

std::optional<check::TreeRoot> recorded_root(Volume& volume, const RecordedBlocks& recorded, uint64_t tree) {
  std::vector<std::byte> block(volume.nodesize());
  std::optional<check::TreeRoot> best;
  for (int level = kMaxLevel - 1; level >= 0 && !best; --level)
    for (const uint64_t bytenr : recorded.of_tree(tree, level)) {
      if (!volume.read_tree_block(bytenr, block, 0, level, kAnyGeneration)) continue;
      const DiskHeader& header = header_of(block);
      if (header.owner == tree && (!best || header.generation > best->generation))
        best = check::TreeRoot{tree, bytenr, header.generation, level, {}};
    }
  return best;
}

bool names_own_block(Volume& volume, const RecordedBlocks& recorded, const check::TreeRoot& root) {
  const bool ours = recorded.is_of_tree(root.bytenr, root.id);
  std::vector<std::byte> block(volume.nodesize());
  if (!volume.read_tree_block(root.bytenr, block, 0, -1, kAnyGeneration)) return ours;
  if (header_of(block).owner != root.id) return false;
  if (ours) return true;
  const auto better = recorded_root(volume, recorded, root.id);
  return !better || better->level < header_of(block).level;
}

}  // namespace butterfuse::repair
