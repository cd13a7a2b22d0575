// SPDX-License-Identifier: GPL-2.0-or-later
// RootTree: the items of the root tree, and the roots of all trees, by it and where it is wrong by others.
#pragma once

#include <map>
#include <vector>

#include "core/btree/tree_image.h"
#include "core/check/check_state.h"
#include "core/survey/recorded_blocks.h"
#include "core/survey/report.h"

namespace butterfuse::repair {

class RootTree {
 public:
  RootTree(Volume& volume, const Report& report)
      : volume_(volume), report_(report), generation_(volume.super().generation) {}

  // What was salvaged of it. Items of an interrupted balance and of the space cache go. Roots that it lacks
  // may still be among the superblock's backups.
  void take(std::vector<TreeItem> items);
  // Root items that are missing or lead astray are set right by what the extent tree records.
  void find_lost_roots(const RecordedBlocks& recorded);

  const std::map<uint64_t, check::TreeRoot>& roots() const { return roots_; }  // by id
  std::vector<TreeItem> take_items() { return std::move(items_); }             // not sorted

 private:
  void revive();
  void drop_space_cache();
  void take_root_item(TreeItem& item);
  void take_backup_roots();
  void take_backup_root(const check::TreeRoot& root);
  void count_as_shared(uint64_t id, DiskRootItem& root) const;
  void set_root(TreeItem& item, check::TreeRoot root);

  Volume& volume_;
  const Report& report_;
  const uint64_t generation_;
  std::vector<TreeItem> items_;
  std::map<uint64_t, check::TreeRoot> roots_;
};

}  // namespace butterfuse::repair
