// Empty block groups: giving their device space back, so that another kind of space can have it.
#include <algorithm>

#include "core/alloc/block_group_items.h"
#include "core/alloc/chunk_items.h"
#include "core/alloc/free_space_tree.h"
#include "core/alloc/space_allocator.h"
#include "core/base/log.h"

namespace butterfuse {

// Pinned extents do not matter: nothing is allocated from the group any more, and its bytes on the device are
// only reused after the commit that removes it, when no superblock reaches them.
bool SpaceAllocator::is_empty_group(const BlockGroup& group) const {
  return !group.read_only && group.counters.used == 0 && group.counters.reserved == 0 &&
         group.items == BlockGroup::Items::inserted && group.loading != BlockGroup::Loading::loading;
}

// Largest first. What stays must hold all promises, and have as much again as the group (once the commit is
// through), lest the next write makes a new one; where another kind of space starves, the promises alone.
std::vector<BlockGroup*> SpaceAllocator::removable_groups(SpacePool& pool) {
  std::vector<BlockGroup*> empty, result;
  for (BlockGroup* group : pool.groups()) {
    if (is_empty_group(*group)) empty.push_back(group);
  }
  std::stable_sort(empty.begin(), empty.end(),
                   [](BlockGroup* a, BlockGroup* b) { return a->counters.total > b->counters.total; });
  const bool others_starve = starving_ != nullptr && starving_ != &pool;
  const uint64_t need = pool_need(pool, TreePromises::Of::everything);
  uint64_t free_left = pool.counters().free();
  uint64_t free_soon = free_left + pool.counters().pinned;
  uint64_t loaded_left = pool.loaded_free();
  for (BlockGroup* group : empty) {
    const uint64_t slack = others_starve ? 0 : group->counters.total;
    const uint64_t rest = free_left - group->counters.free();
    const uint64_t rest_soon = free_soon - group->counters.free() - group->counters.pinned;
    if (pool.groups().size() - result.size() <= 1 || rest < need || rest_soon < need + slack) continue;
    // Nobody can load a group in the commit.
    if (group->loaded() && &pool == metadata_) {
      if (loaded_left - group->counters.free() < need) continue;
      loaded_left -= group->counters.free();
    }
    free_left = rest;
    free_soon = rest_soon;
    result.push_back(group);
  }
  return result;
}

void SpaceAllocator::forget_group(BlockGroup& group, uint64_t transid) {
  for (const ChunkStripe& stripe : group.chunk->stripes)
    device_bytes_inserted_[stripe.devid] -= group.chunk->stripe_bytes();
  dying_chunks_.push_back({transid, group.chunk});
  dirty_groups_.erase(group.start());
  group.pool->remove(&group);
  groups_.erase(group.start());
}

Status SpaceAllocator::remove_empty_block_groups(CowContext& context, DiskSuper& super) {
  if (keep_old_groups_) return {};
  struct Removal {
    std::shared_ptr<const ChunkMapping> chunk;
    DeviceBytes device_bytes;
  };
  std::vector<Removal> removals;
  std::vector<uint64_t> cached;  // a group of the same address may come
  {
    MutexLock lock(mutex_);
    for (const auto& pool : pools_) {
      for (BlockGroup* group : removable_groups(*pool)) {
        const auto chunk = group->chunk;
        if (old_space_caches_.contains(chunk->start)) cached.push_back(chunk->start);
        forget_group(*group, context.transid());
        removals.push_back({chunk, device_bytes_inserted_});
      }
    }
    starving_ = nullptr;
  }
  BF_TRY(give_up_caches_of(context, cached));
  for (const Removal& removal : removals) {
    BF_TRY(remove_group_items(context, super, *removal.chunk, removal.device_bytes));
    log(LogLevel::debug, "removed empty chunk {} length {}", removal.chunk->start, removal.chunk->length);
  }
  return {};
}

Status SpaceAllocator::remove_group_items(CowContext& context, DiskSuper& super, const ChunkMapping& chunk,
                                          const DeviceBytes& device_bytes) {
  const ByteRange range = ByteRange::at(chunk.start, chunk.length);
  if (trees_.free_space != nullptr) {
    WriteCursor cursor(*trees_.free_space, context);
    BF_TRY(FreeSpaceTreeEdit(cursor, range, sectorsize_).destroy());
  }
  BF_TRY(remove_block_group_item(context, *trees_.block_group, range));
  BF_TRY(remove_device_extents(context, *trees_.device, chunk));
  return remove_chunk_item(context, *trees_.chunk, volume_, super, chunk, device_bytes);
}

}  // namespace butterfuse
