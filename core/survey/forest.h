// SPDX-License-Identifier: GPL-2.0-or-later
// Forest: all trees of a file system: those that are good as they are, and those that must be written anew.
#pragma once

#include <map>
#include <vector>

#include "core/btree/tree_image.h"
#include "core/check/check_state.h"
#include "core/survey/recorded_extents.h"

namespace butterfuse::repair {

struct Forest {
  // By id; without the root tree and those in `anew`.
  std::map<uint64_t, check::TreeRoot> sound;
  // By id, the items of each, the root tree's among them (with root items that name the old roots). Trees
  // that follow from others (extents, block groups, free space, device extents) are here, their items not.
  std::map<uint64_t, std::vector<TreeItem>> anew;
  // Tree blocks that a damaged tree had: not written over until the new superblock is there, if space allows.
  std::vector<uint64_t> left_blocks;
  RecordedExtents recorded;
};

}  // namespace butterfuse::repair
