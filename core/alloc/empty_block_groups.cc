// SPDX-License-Identifier: GPL-2.0-or-later
// Empty block groups: giving their device space back, so that another kind of space can have it.
#include <algorithm>

#include "core/alloc/group_items.h"
#include "core/base/log.h"
#include "core/chunk/block_group_items.h"
#include "core/chunk/chunk_items.h"
#include "core/free_space/free_space_tree.h"

namespace butterfuse {
namespace {

std::vector<BlockGroup*> empty_groups(const SpacePool& pool) {
  std::vector<BlockGroup*> empty;
  std::ranges::copy_if(pool.groups(), std::back_inserter(empty), &BlockGroup::removable);
  std::ranges::stable_sort(empty, std::greater<>(), [](BlockGroup* group) { return group->counters.total; });
  return empty;
}

// Largest first. What stays must hold all promises, and have as much again as the group (once the commit is
// through), lest the next write makes a new one; where another kind of space starves, the promises alone.
std::vector<BlockGroup*> removable_groups(AllocatorState& state, SpacePool& pool) BF_REQUIRES(state.mutex) {
  std::vector<BlockGroup*> result;
  const bool another_starves = state.chunks.another_starves(pool);
  const uint64_t need = state.promises.pool_need(pool, Promises::Of::everything);
  uint64_t free_left = pool.counters().free();
  uint64_t free_soon = free_left + pool.counters().pinned;
  uint64_t loaded_left = pool.loaded_free();
  for (BlockGroup* group : empty_groups(pool)) {
    const uint64_t slack = another_starves ? 0 : group->counters.total;
    const uint64_t rest = free_left - group->counters.free();
    const uint64_t rest_soon = free_soon - group->counters.free() - group->counters.pinned;
    if (pool.groups().size() - result.size() <= 1 || rest < need || rest_soon < need + slack) continue;
    // Nobody can load a group in the commit.
    if (group->loaded() && &pool == &state.groups.metadata()) {
      if (loaded_left - group->counters.free() < need) continue;
      loaded_left -= group->counters.free();
    }
    free_left = rest;
    free_soon = rest_soon;
    result.push_back(group);
  }
  return result;
}

void forget_group(AllocatorState& state, BlockGroup& group, uint64_t transid) BF_REQUIRES(state.mutex) {
  for (const ChunkStripe& stripe : group.chunk->stripes)
    state.device_bytes_inserted[stripe.devid] -= group.chunk->stripe_bytes();
  state.pins.add_dying(transid, group.chunk);
  state.dirty.forget(group.start());
  state.groups.remove(group);
}

Status remove_items(AllocatorState& state, CowContext& context, DiskSuper& super, const ChunkMapping& chunk,
                    const DeviceBytes& device_bytes) {
  const ByteRange range = ByteRange::at(chunk.start, chunk.length);
  if (state.trees.free_space != nullptr) {
    WriteCursor cursor(*state.trees.free_space, context);
    BF_TRY(FreeSpaceTreeEdit(cursor, range, state.sectorsize).destroy());
  }
  BF_TRY(remove_block_group_item(context, *state.trees.block_group, range));
  BF_TRY(remove_device_extents(context, *state.trees.device, chunk));
  return remove_chunk_item(context, *state.trees.chunk, state.volume, super, chunk, device_bytes);
}

}  // namespace

Status GroupItems::remove_empty(AllocatorState& state, CowContext& context, DiskSuper& super) {
  if (keeps_empty_) return {};
  struct Removal {
    std::shared_ptr<const ChunkMapping> chunk;
    DeviceBytes device_bytes;
  };
  std::vector<Removal> removals;
  std::vector<uint64_t> starts;
  {
    MutexLock lock(state.mutex);
    for (const auto& pool : state.groups.pools()) {
      for (BlockGroup* group : removable_groups(state, *pool)) {
        const auto chunk = group->chunk;
        starts.push_back(chunk->start);
        forget_group(state, *group, context.transid());
        removals.push_back({chunk, state.device_bytes_inserted});
      }
    }
    state.chunks.forget_starving();
  }
  // A group of the same address may come, at a later mount.
  if (old_caches_.any()) BF_TRY(old_caches_.give_up(context, *state.trees.root, starts));
  for (const Removal& removal : removals) {
    BF_TRY(remove_items(state, context, super, *removal.chunk, removal.device_bytes));
    log(LogLevel::debug, "removed empty chunk {} length {}", removal.chunk->start, removal.chunk->length);
  }
  return {};
}

}  // namespace butterfuse
