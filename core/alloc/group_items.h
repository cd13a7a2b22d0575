// SPDX-License-Identifier: GPL-2.0-or-later
// GroupItems: a commit's work on block groups: their items become what memory says.
#pragma once

#include <cstdint>
#include <vector>

#include "core/alloc/allocator_state.h"
#include "core/free_space/old_space_caches.h"

namespace butterfuse {

// Called without the mutex, by the one who commits: each takes tree locks one after the other, and what it
// changes makes references, which make it necessary to call again. Allocator says in which order. On an
// error the transaction must be aborted: memory is then ahead of the trees.
class GroupItems {
 public:
  // Where `trees.root` is known, which old space caches there are.
  Status find_old_caches(AllocatorState& state) BF_EXCLUDES(state.mutex);
  // Where others keep old space caches, whose inodes are tied to block groups: none may go.
  void keep_empty_groups() { keeps_empty_ = true; }

  // As Allocator's insert_pending_block_groups, remove_empty_block_groups and write_block_group_items.
  Status insert_pending(AllocatorState& state, CowContext& context, DiskSuper& super)
      BF_EXCLUDES(state.mutex);
  Status remove_empty(AllocatorState& state, CowContext& context, DiskSuper& super) BF_EXCLUDES(state.mutex);
  Result<bool> write_changed(AllocatorState& state, CowContext& context) BF_EXCLUDES(state.mutex);
  // What waits in the deltas of groups, into the free space tree; true when anything was written.
  Result<bool> write_free_space(AllocatorState& state, CowContext& context) BF_EXCLUDES(state.mutex);
  OldSpaceCaches& old_caches() { return old_caches_; }
  const OldSpaceCaches& old_caches() const { return old_caches_; }

 private:
  Result<bool> give_up_changed_caches(AllocatorState& state, CowContext& context) BF_EXCLUDES(state.mutex);

  OldSpaceCaches old_caches_;
  bool keeps_empty_ = false;
};

}  // namespace butterfuse
