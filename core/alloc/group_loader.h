// SPDX-License-Identifier: GPL-2.0-or-later
// GroupLoader: a block group's free space, when it is first needed.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/alloc/allocator_state.h"

namespace butterfuse {

// Called without the mutex, and without a lock on the tree that is read: the free space tree, or the
// extent tree where there is none. While one thread loads a group, its flag keeps others from loading it
// too; they wait for `group_loaded`. A group whose items and used bytes disagree is damaged: logged, and
// nothing is allocated there.
class GroupLoader {
 public:
  // REQUIRES that the caller has set group.loading to `loading`. Where memory runs out it is unloaded again.
  void load(AllocatorState& state, BlockGroup& group) BF_EXCLUDES(state.mutex);
  // Loads until so many bytes are known to be free, or all groups are loaded.
  void load_until(AllocatorState& state, SpaceClass space, uint64_t bytes) BF_EXCLUDES(state.mutex);
  // For so many bytes of tree blocks. alloc_tree_block can't: its caller may hold the very tree's lock.
  void load_for_tree_blocks(AllocatorState& state, uint64_t bytes) BF_EXCLUDES(state.mutex);

 private:
  void load_or_set_damaged(AllocatorState& state, BlockGroup& group) BF_EXCLUDES(state.mutex);

  std::atomic<int> failed_scans_{0};  // of the extent tree, since one succeeded
};

}  // namespace butterfuse
