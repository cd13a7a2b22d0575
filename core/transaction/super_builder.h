// SPDX-License-Identifier: GPL-2.0-or-later
// Super builder: the next superblock: where the trees are, and where they were.
#pragma once

#include <string>

#include "core/btree/tree.h"
#include "core/ondisk/format.h"

namespace butterfuse {

// What one commit puts into the superblock.
struct CommitRoots {
  uint64_t transid = 0;
  TreeRootPointer root, chunk, extent, fs, device, csum;
  uint64_t bytes_used = 0;
  uint64_t incompat = 0;
  bool uuid_tree_current = false;
  bool space_caches_current = false;
  bool lone_supers = false;
  std::string label;
};

std::string label_of(const DiskSuper& super);

// Changes `super` from the last commit's to this one's; fills the oldest backup root slot.
//
// With `lone_supers` a power cut in the middle of the write must leave a whole superblock, as there is no
// mirror: then all that changes is in its first 512 bytes, which no disk writes by halves. The price: backup
// roots stay as they are, and the kernel looks through the uuid tree once when it mounts. (Still to tear: a
// longer label, a new system chunk.)
void update_super(DiskSuper& super, const CommitRoots& roots);

}  // namespace butterfuse
