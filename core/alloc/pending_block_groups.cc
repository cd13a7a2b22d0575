// Pending block groups: the items of chunks that so far live in memory only.
#include "core/alloc/block_group_items.h"
#include "core/alloc/chunk_items.h"
#include "core/alloc/free_space_tree.h"
#include "core/alloc/space_allocator.h"

namespace butterfuse {

bool SpaceAllocator::has_uncommitted_chunks() const {
  MutexLock lock(mutex_);
  for (const auto& [start, group] : groups_)
    if (group->items != BlockGroup::Items::inserted) return true;
  return false;
}

BlockGroup* SpaceAllocator::next_pending_group() {
  for (const auto& [start, group] : groups_) {
    if (group->items == BlockGroup::Items::pending) return group.get();
  }
  return nullptr;
}

// Each pass may allocate tree blocks from a chunk that is itself new: until no pending group is left.
Status SpaceAllocator::insert_pending_block_groups(CowContext& context, DiskSuper& super) {
  while (true) {
    BlockGroup* group = nullptr;
    {
      MutexLock lock(mutex_);
      group = next_pending_group();
      if (group == nullptr) return {};
      group->items = BlockGroup::Items::inserting;
    }
    BF_TRY(insert_group_items(context, super, *group));
    MutexLock lock(mutex_);
    group->items = BlockGroup::Items::inserted;
    dirty_groups_.insert(group->start());
  }
}

Status SpaceAllocator::insert_group_items(CowContext& context, DiskSuper& super, BlockGroup& group) {
  const ChunkMapping& chunk = *group.chunk;
  DeviceBytes device_bytes;
  uint64_t used = 0;
  {
    MutexLock lock(mutex_);
    for (const ChunkStripe& stripe : chunk.stripes)
      device_bytes_inserted_[stripe.devid] += chunk.stripe_bytes();
    device_bytes = device_bytes_inserted_;
    used = group.used_on_disk = group.counters.used;
  }
  BF_TRY(insert_chunk_item(context, *trees_.chunk, volume_, super, chunk, device_bytes));
  BF_TRY(insert_device_extents(context, *trees_.device, chunk, volume_.chunk_tree_uuid()));
  BF_TRY(insert_block_group_item(context, *trees_.block_group, chunk, used));
  if (trees_.free_space == nullptr) return {};
  WriteCursor cursor(*trees_.free_space, context);
  return FreeSpaceTreeEdit(cursor, group.range(), sectorsize_).create();
}

}  // namespace butterfuse
