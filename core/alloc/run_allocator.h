// SPDX-License-Identifier: GPL-2.0-or-later
// RunAllocator: which free run is given out next.
#pragma once

#include <cstdint>

#include "core/alloc/block_group_table.h"

namespace butterfuse {

// The hot path. Searches go on where the last of their pool ended: what is written together lies
// together. Only groups whose free space is loaded are looked at; what is to be loaded, or grown, is
// the caller's business.
//
// Under the mutex of AllocatorState. Lengths and addresses are multiples of sectors, and within one group.
class RunAllocator {
 public:
  RunAllocator(BlockGroupTable& groups, uint32_t sectorsize, uint32_t nodesize)
      : groups_(groups), sectorsize_(sectorsize), nodesize_(nodesize) {}

  // ---- what is found becomes `reserved`; empty: there is none ----
  ByteRange take_data(uint64_t bytes);
  // Right there, behind what a file has, say. Any number may come as `start`.
  ByteRange take_data_at(uint64_t start, uint64_t bytes);
  // The longest run, cut to `bytes`, of at least min_bytes.
  ByteRange take_longest_data(uint64_t bytes, uint64_t min_bytes);
  // One block of nodesize, of metadata or system.
  ByteRange take_tree_block(SpacePool& pool);

  // REQUIRES that all of it is free, in a group that is loaded.
  void take(ByteRange range);
  // reserved -> free. REQUIRES that it was taken.
  void give_back(ByteRange range);

 private:
  BlockGroupTable& groups_;
  const uint32_t sectorsize_, nodesize_;
  uint64_t data_cursor_ = 0, metadata_cursor_ = 0, system_cursor_ = 0;  // where the next search begins
};

}  // namespace butterfuse
