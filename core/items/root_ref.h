// Root references: where subvolumes hang in the directory tree.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

struct SubvolumeLink {   // ROOT_BACKREF
  uint64_t root_id = 0;
  uint64_t parent_root_id = 0;
  uint64_t dir_ino = 0;  // directory in the parent
  uint64_t index = 0;
  std::string name;
};
Result<std::vector<SubvolumeLink>> list_subvolumes(Filesystem& filesystem);
// Path components from subvolume kFsTree, without a leading slash. ENOENT.
Result<uint64_t> subvolume_by_path(Filesystem& filesystem, std::string_view path);

}  // namespace butterfuse
