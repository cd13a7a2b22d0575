// SPDX-License-Identifier: GPL-2.0-or-later
// Rescue: the backup roots of a superblock.
#include "core/transaction/rescue.h"

#include <algorithm>

namespace butterfuse {

std::vector<TreeRootPointer> backup_root_trees(const DiskSuper& super) {
  std::vector<TreeRootPointer> roots;
  for (const DiskRootBackup& backup : super.super_roots) {
    if (backup.tree_root == 0 || backup.tree_root_gen >= super.generation) continue;
    roots.push_back({backup.tree_root, backup.tree_root_gen, backup.tree_root_level});
  }
  std::sort(roots.begin(), roots.end(),
            [](const TreeRootPointer& a, const TreeRootPointer& b) { return a.generation > b.generation; });
  return roots;
}

}  // namespace butterfuse
