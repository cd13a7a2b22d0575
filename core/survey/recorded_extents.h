// SPDX-License-Identifier: GPL-2.0-or-later
// RecordedExtents: what a damaged extent tree still says.
#pragma once

#include <map>
#include <tuple>

#include "core/check/check_state.h"
#include "core/survey/recorded_blocks.h"

namespace butterfuse::repair {

struct RecordedExtents {
  struct Extent {
    uint64_t length = 0, generation = 0;
  };
  std::map<uint64_t, Extent> data;  // by bytenr
  // By subvolume, inode and file offset: the one extent that is recorded as theirs; 0: there are several.
  std::map<std::tuple<uint64_t, uint64_t, uint64_t>, uint64_t> owners;
  RecordedBlocks tree_blocks;
};

// Never fails: what can't be read is not recorded. Holds the whole extent tree in memory while it reads it.
RecordedExtents read_recorded_extents(Volume& volume, const check::TreeRoot& extent_root);

}  // namespace butterfuse::repair
