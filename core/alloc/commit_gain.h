// SPDX-License-Identifier: GPL-2.0-or-later
// CommitGain: what space a commit would give back, and whether it is time for one.
#pragma once

#include <cstdint>

#include "core/alloc/commit_debt.h"
#include "core/alloc/pinned_extents.h"
#include "core/alloc/promises.h"

namespace butterfuse {

// Under the mutex of AllocatorState.
class CommitGain {
 public:
  CommitGain(const BlockGroupTable& groups, const DeviceSpace& device_space, const Promises& promises,
             const PinnedExtents& pins, const CommitDebt& debt)
      : groups_(groups), device_space_(device_space), promises_(promises), pins_(pins), debt_(debt) {}

  void note_data_taken(uint64_t bytes) { data_taken_ += bytes; }
  void begin_commit();
  // More data space was taken since begin_commit than there is left: true once.
  bool hear_that_commit_is_due();
  // Behind a commit there would be room for `bytes` more, and without it perhaps not.
  bool would_make_room(const SpacePool& pool, uint64_t bytes) const;

 private:
  uint64_t device_bytes_of_empty_groups(const SpacePool& except) const;

  const BlockGroupTable& groups_;
  const DeviceSpace& device_space_;
  const Promises& promises_;
  const PinnedExtents& pins_;
  const CommitDebt& debt_;
  uint64_t data_taken_ = 0;       // since the last begin_commit
  bool due_commit_told_ = false;  // since then
};

}  // namespace butterfuse
