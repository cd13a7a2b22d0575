// SPDX-License-Identifier: GPL-2.0-or-later
// Pending block groups: the items of chunks that so far live in memory only.
#include "core/alloc/group_items.h"
#include "core/chunk/block_group_items.h"
#include "core/chunk/chunk_items.h"
#include "core/free_space/free_space_tree.h"

namespace butterfuse {
namespace {

BlockGroup* next_pending_group(AllocatorState& state) BF_REQUIRES(state.mutex) {
  for (const auto& [start, group] : state.groups.by_start()) {
    if (group->items == BlockGroup::Items::pending) return group.get();
  }
  return nullptr;
}

Status insert_items(AllocatorState& state, CowContext& context, DiskSuper& super, BlockGroup& group)
    BF_EXCLUDES(state.mutex) {
  const ChunkMapping& chunk = *group.chunk;
  DeviceBytes device_bytes;
  uint64_t used = 0;
  {
    MutexLock lock(state.mutex);
    for (const ChunkStripe& stripe : chunk.stripes)
      state.device_bytes_inserted[stripe.devid] += chunk.stripe_bytes();
    device_bytes = state.device_bytes_inserted;
    used = group.used_on_disk = group.counters.used;
  }
  BF_TRY(insert_chunk_item(context, *state.trees.chunk, state.volume, super, chunk, device_bytes));
  BF_TRY(insert_device_extents(context, *state.trees.device, chunk, state.volume.chunk_tree_uuid()));
  BF_TRY(insert_block_group_item(context, *state.trees.block_group, chunk, used));
  if (state.trees.free_space == nullptr) return {};
  WriteCursor cursor(*state.trees.free_space, context);
  return FreeSpaceTreeEdit(cursor, group.range(), state.sectorsize).create();
}

}  // namespace

// Each pass may allocate tree blocks from a chunk that is itself new: until no pending group is left.
Status GroupItems::insert_pending(AllocatorState& state, CowContext& context, DiskSuper& super) {
  while (true) {
    BlockGroup* group = nullptr;
    {
      MutexLock lock(state.mutex);
      group = next_pending_group(state);
      if (group == nullptr) return {};
      group->items = BlockGroup::Items::inserting;
    }
    BF_TRY(insert_items(state, context, super, *group));
    MutexLock lock(state.mutex);
    group->items = BlockGroup::Items::inserted;
    state.dirty.mark(*group);
  }
}

}  // namespace butterfuse
