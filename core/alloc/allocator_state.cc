// SPDX-License-Identifier: GPL-2.0-or-later
// AllocatorState: how it comes to be: devices, chunks and block group items; free space is loaded later.
#include "core/alloc/allocator_state.h"

#include <limits>

#include "core/chunk/block_group_items.h"

namespace butterfuse {
namespace {

AllocatorTrees usable_trees(const Volume& volume, AllocatorTrees trees) {
  const uint64_t both = compat_ro::kFreeSpaceTree | compat_ro::kFreeSpaceTreeValid;
  if ((volume.super().compat_ro_flags & both) != both) trees.free_space = nullptr;
  return trees;
}

using Chunks = std::vector<std::shared_ptr<const ChunkMapping>>;

Status check_chunk(const ChunkMapping& chunk, uint32_t sectorsize) {
  const bool aligned = chunk.start % sectorsize == 0 && chunk.length % sectorsize == 0;
  const bool fits = chunk.length > 0 && chunk.start <= std::numeric_limits<uint64_t>::max() - chunk.length;
  if (aligned && fits && (chunk.type & bg::kTypeMask) != 0) return {};
  return make_error(EUCLEAN, "chunk {} length {} type {:#x} can't be a block group", chunk.start,
                    chunk.length, chunk.type);
}

// By chunk; all of it where no tree says how much.
Result<std::vector<uint64_t>> read_used_bytes(const AllocatorState& state, const Chunks& chunks) {
  std::vector<uint64_t> used;
  for (const auto& chunk : chunks) {
    BF_TRY(check_chunk(*chunk, state.sectorsize));
    used.push_back(chunk->length);
  }
  if (state.trees.block_group == nullptr) return used;
  ReadCursor cursor(*state.trees.block_group);
  for (size_t i = 0; i < chunks.size(); i++) {
    BF_ASSIGN(const DiskBlockGroupItem item, read_block_group_item(cursor, *chunks[i]));
    used[i] = item.used;
  }
  if (state.trees.block_group->id() == objectid::kBlockGroupTree) {
    BF_TRY(check_block_groups_have_chunks(cursor, state.volume));
  }
  return used;
}

bool has_mixed_groups(const Volume& volume, const Chunks& chunks) {
  bool mixed = (volume.super().incompat_flags & incompat::kMixedGroups) != 0;
  for (const auto& chunk : chunks) mixed |= (chunk->type & bg::kData) && (chunk->type & bg::kMetadata);
  return mixed;
}

Status add_existing_group(AllocatorState& state, std::shared_ptr<const ChunkMapping> chunk, uint64_t used)
    BF_REQUIRES(state.mutex) {
  BF_TRY(state.device_space.add(*chunk));
  bool on_seed = false;
  for (const ChunkStripe& stripe : chunk->stripes) {
    state.device_bytes_inserted[stripe.devid] += chunk->stripe_bytes();
    on_seed |= stripe.device->seed;
  }
  state.chunks.note_address_taken(ByteRange::at(chunk->start, chunk->length));
  BlockGroup& group = state.groups.add(std::make_unique<BlockGroup>(std::move(chunk), used));
  group.read_only = on_seed;
  if (on_seed) group.pool->set_damaged(group);  // nothing is to be had from it
  return {};
}

}  // namespace

AllocatorState::AllocatorState(Volume& of_volume, const AllocatorTrees& of_trees, CommitDebt& of_debt)
    : volume(of_volume),
      trees(usable_trees(of_volume, of_trees)),
      debt(of_debt),
      sectorsize(of_volume.sectorsize()),
      nodesize(of_volume.nodesize()),
      promises(groups, device_space, debt, nodesize),
      chunks(volume, groups, device_space, promises),
      admission(groups, promises, chunks, nodesize),
      runs(groups, sectorsize, nodesize),
      pins(groups),
      gain(groups, device_space, promises, pins, debt) {
  debt.trees().set_nodesize(nodesize);
  for (const MemberDevice* device : volume.members())
    device_space.add_device(device->devid, device->uuid, device->item.total_bytes,
                            !device->missing() && !device->seed);
}

Status read_block_groups(AllocatorState& state) {
  const Chunks chunks = state.volume.chunks();
  BF_ASSIGN(const std::vector<uint64_t> used, read_used_bytes(state, chunks));
  MutexLock lock(state.mutex);
  state.groups.make_pools(has_mixed_groups(state.volume, chunks));
  for (size_t i = 0; i < chunks.size(); i++) BF_TRY(add_existing_group(state, chunks[i], used[i]));
  return {};
}

}  // namespace butterfuse
