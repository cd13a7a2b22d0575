// SPDX-License-Identifier: GPL-2.0-or-later
// BlockSpace: room for new tree blocks among the extents that a forest uses.
#pragma once

#include "core/extent/range_set.h"
#include "core/survey/extent_map.h"

namespace butterfuse::repair {

// Copies what it is told is used. What take() gave is in use from then on.
class BlockSpace {
 public:
  BlockSpace(Volume& volume, const ExtentMap& used, const std::vector<uint64_t>& left_blocks);

  // Bytenrs of free tree blocks in chunks of this type (bg::kMetadata or bg::kSystem). Blocks of the old
  // trees are taken only when nothing else is left. ENOSPC.
  Result<std::vector<uint64_t>> take(size_t count, uint64_t type);

 private:
  bool find(size_t count, uint64_t type, const RangeSet& used, std::vector<uint64_t>& found) const;

  Volume& volume_;
  RangeSet used_{1};
  RangeSet left_{1};
};

}  // namespace butterfuse::repair
