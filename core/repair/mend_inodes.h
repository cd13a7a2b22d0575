// SPDX-License-Identifier: GPL-2.0-or-later
// InodeMender: the inodes of one subvolume: which are missing, their kinds, links, sizes and bytes.
#pragma once

#include "core/repair/name_edit.h"
#include "core/survey/report.h"

namespace butterfuse::repair {

class InodeMender {
 public:
  InodeMender(Filesystem& filesystem, NameEdit& edit, SubvolumeSurvey& survey, Changes& changes)
      : filesystem_(filesystem), edit_(edit), survey_(survey), changes_(changes) {}

  // Makes those that are missing; each is then of the kind that its names and content speak of.
  Status make_sure_of_kinds();
  // When the names are right. `names`: how many each inode has.
  Status settle(const std::map<uint64_t, uint64_t>& names);

 private:
  Status drop_inode_cache();
  Status make_missing_inodes();
  Status settle_kinds();
  uint64_t name_bytes(uint64_t dir) const;
  Status settle_inode(uint64_t ino, FoundInode& inode, uint64_t names);

  Filesystem& filesystem_;
  NameEdit& edit_;
  SubvolumeSurvey& survey_;
  Changes& changes_;
};

}  // namespace butterfuse::repair
