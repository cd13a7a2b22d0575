// SPDX-License-Identifier: GPL-2.0-or-later
// TreeCheckContext: what a tree block is judged by.
#pragma once

#include <cstdint>

namespace butterfuse {

// `structure` proves only what keeps a reader of the bytes safe (bounds, sizes, counts, key order); `full`
// also what the kernel would refuse. Dumps read damaged blocks with `structure`; everybody else uses `full`.
enum class TreeCheckDepth { structure, full };

// What must be known of the file system to judge one of its blocks.
struct TreeCheckContext {
  uint32_t nodesize = 0;
  uint32_t sectorsize = 0;
  uint64_t incompat = 0;
  uint64_t total_bytes = 0;  // superblock
  uint64_t generation = 0;   // superblock (or running transaction): no block may be younger
  uint32_t csum_size = 0;    // bytes of one data checksum; 0: unknown, csum items are then not measured
  TreeCheckDepth depth = TreeCheckDepth::full;
};

}  // namespace butterfuse
