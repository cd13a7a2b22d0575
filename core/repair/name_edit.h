// NameEdit: single items of a name, without the pair they belong to: what repair needs and nothing else may
// do.
#pragma once

#include "core/repair/subvolume_survey.h"

namespace butterfuse::repair {

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
