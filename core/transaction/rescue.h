// SPDX-License-Identifier: GPL-2.0-or-later
// Rescue: what a read-only open may overlook in a damaged file system (btrfs(5), mount option rescue=).
#pragma once

#include <vector>

#include "core/btree/tree.h"
#include "core/ondisk/format.h"

namespace butterfuse {

struct RescueOptions {
  // usebackuproot: the root tree of an earlier commit, where the last one's can't be used. Its blocks may
  // have been written over since, so that only reading is safe.
  bool backup_roots = false;
  // ignorebadroots: trees with an unreadable root block count as absent. Without the checksum tree, data is
  // read unchecked; without block group items, all space counts as used.
  bool bad_roots = false;
  // ignoremetacsums: a tree block with no copy of the right checksum is used if all else in it is right.
  bool metadata_csums = false;
  // ignoresuperflags: superblock flags that nobody knows, or that stand for a conversion caught half way.
  bool super_flags = false;

  bool operator==(const RescueOptions&) const = default;

  // The trees may be incomplete or not the last commit's: nothing may be written, and no log be replayed.
  bool may_change_trees() const { return backup_roots || bad_roots; }
};

// Root trees of earlier commits that the superblock remembers, newest first; nothing in them is checked.
std::vector<TreeRootPointer> backup_root_trees(const DiskSuper& super);

}  // namespace butterfuse
