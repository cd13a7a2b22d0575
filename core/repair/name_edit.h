// SPDX-License-Identifier: GPL-2.0-or-later
// NameEdit: single items of a name, without the pair they belong to: for repair, and for nothing else.
#pragma once

#include "core/survey/subvolume_survey.h"

namespace butterfuse::repair {

// Each call begins transaction handles of its own, and may commit: the caller holds none, and no tree lock.
// What is to go and is not there is no error; what is to be written replaces what is there under its key.
class NameEdit {
 public:
  NameEdit(Filesystem& filesystem, Tree& tree) : filesystem_(filesystem), tree_(tree) {}

  // The DIR_ITEM of the name; nothing: there shall be none.
  Status set_item(uint64_t dir, const std::string& name, const std::optional<FoundEntry>& entry);
  Status set_index(uint64_t dir, uint64_t index, const std::string& name, const FoundEntry& entry);
  Status remove_index(uint64_t dir, uint64_t index);
  Status set_reference(uint64_t ino, uint64_t dir, const std::string& name, uint64_t index);
  Status remove_reference(uint64_t ino, uint64_t dir, const std::string& name);
  Status set_inode(uint64_t ino, const DiskInodeItem& item);
  Status add_orphan(uint64_t ino);
  // All items of an inode nobody knows, its extents first.
  Status remove_all(uint64_t ino);
  // Explicit holes below `end`, where no-holes is off.
  Status fill_gaps(uint64_t ino, uint64_t end);

 private:
  Filesystem& filesystem_;
  Tree& tree_;
};

}  // namespace butterfuse::repair
