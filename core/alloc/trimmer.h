// SPDX-License-Identifier: GPL-2.0-or-later
// Trimmer: tells the devices which space is free, a bounded piece at a time.
#pragma once

#include <cstdint>

#include "core/alloc/group_loader.h"

namespace butterfuse {

// Called without the mutex, and takes long. What is being discarded is out of reach for everybody else
// meanwhile, so a piece is bounded, and nothing that is promised goes: it may then be less than all
// that is free.
class Trimmer {
 public:
  explicit Trimmer(GroupLoader& loader) : loader_(loader) {}

  // As Allocator::trim.
  uint64_t trim(AllocatorState& state, ByteRange range, uint64_t min_bytes) BF_EXCLUDES(state.mutex);

 private:
  uint64_t trim_group(AllocatorState& state, uint64_t group_start, ByteRange range, uint64_t min_bytes)
      BF_EXCLUDES(state.mutex);

  GroupLoader& loader_;
};

}  // namespace butterfuse
