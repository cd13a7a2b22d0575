// SPDX-License-Identifier: GPL-2.0-or-later
// Root references: where subvolumes hang in the directory tree.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

struct SubvolumeLink {  // ROOT_BACKREF
  uint64_t root_id = 0;
  uint64_t parent_root_id = 0;
  uint64_t dir_ino = 0;  // directory in the parent
  uint64_t index = 0;
  std::string name;
};
Result<std::vector<SubvolumeLink>> list_subvolumes(Filesystem& filesystem);

// Whether subvolume `root_id` really hangs at this name (kernel: fixup_tree_root_location): a snapshot
// copies the directory entries of nested subvolumes, but not the subvolumes; there the entry stands for
// an empty directory.
Result<bool> subvolume_hangs_at(Filesystem& filesystem, uint64_t root_id, uint64_t parent_root_id,
                                uint64_t dir_ino, std::string_view name);

}  // namespace butterfuse
