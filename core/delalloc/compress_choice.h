// SPDX-License-Identifier: GPL-2.0-or-later
// CompressChoice: how a file's data is to be compressed.
#pragma once

#include <cstdint>

namespace butterfuse {

struct CompressChoice {
  uint8_t type = 0;    // compression_type::; 0: do not compress
  int level = 0;       // 0: the codec's default
  bool force = false;  // compress-force: no heuristic, NOCOMPRESS ignored
  bool operator==(const CompressChoice&) const = default;
};

}  // namespace butterfuse
