// Forest: all trees of a file system: those that are good as they are, and those that must be written anew.
#pragma once

#include <map>
#include <vector>

#include "core/repair/recorded_extents.h"
#include "core/repair/report.h"
#include "core/repair/salvage.h"

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

struct ForestWishes {
  bool new_csums = false;   // check found checksum items that are wrong
  bool new_quotas = false;  // quota numbers are wrong
  bool new_chunks = false;  // of devices' used bytes
};

// Reads the whole file system. ENOENT and EUCLEAN when there is no root tree to go by. Each loss is reported.
Result<Forest> survey(Volume& volume, const ForestWishes& wishes, const Report& report);

}  // namespace butterfuse::repair
