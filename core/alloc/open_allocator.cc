// Opening the allocator: block group items and nothing else.
#include <limits>

#include "core/alloc/block_group_items.h"
#include "core/alloc/old_space_caches.h"
#include "core/alloc/space_allocator.h"

namespace butterfuse {
namespace {

AllocatorTrees usable_trees(const Volume& volume, AllocatorTrees trees) {
  const uint64_t both = compat_ro::kFreeSpaceTree | compat_ro::kFreeSpaceTreeValid;
  if ((volume.super().compat_ro_flags & both) != both) trees.free_space = nullptr;
  return trees;
}

bool has_v1_space_cache(const DiskSuper& super) {
  const uint64_t generation = super.cache_generation;
  return generation != 0 && generation != std::numeric_limits<uint64_t>::max();
}

}  // namespace

Result<std::unique_ptr<Allocator>> Allocator::open(Volume& volume, const AllocatorTrees& trees,
                                                   CommitDebt& debt) {
  auto allocator = std::make_unique<SpaceAllocator>(volume, trees, debt);
  BF_TRY(allocator->read_block_groups());
  return std::unique_ptr<Allocator>(std::move(allocator));
}

SpaceAllocator::SpaceAllocator(Volume& volume, const AllocatorTrees& trees, CommitDebt& debt)
    : volume_(volume),
      trees_(usable_trees(volume, trees)),
      debt_(debt),
      sectorsize_(volume.sectorsize()),
      nodesize_(volume.nodesize()) {
  debt_.trees().set_nodesize(nodesize_);
  for (const MemberDevice* device : volume.members())
    device_space_.add_device(device->devid, device->uuid, device->item.total_bytes,
                             !device->missing() && !device->seed);
  keep_old_groups_ = trees_.free_space == nullptr && has_v1_space_cache(volume.super());
}

Status SpaceAllocator::check_chunk(const ChunkMapping& chunk) const {
  const bool aligned = chunk.start % sectorsize_ == 0 && chunk.length % sectorsize_ == 0;
  const bool fits = chunk.length > 0 && chunk.start <= std::numeric_limits<uint64_t>::max() - chunk.length;
  if (aligned && fits && (chunk.type & bg::kTypeMask) != 0) return {};
  return make_error(EUCLEAN, "chunk {} length {} type {:#x} can't be a block group", chunk.start,
                    chunk.length, chunk.type);
}

Status SpaceAllocator::read_block_groups() {
  if (trees_.root != nullptr) {
    BF_ASSIGN(auto caches, find_old_space_caches(*trees_.root));
    MutexLock lock(mutex_);
    old_space_caches_ = std::move(caches);
  }
  const std::vector<std::shared_ptr<const ChunkMapping>> chunks = volume_.chunks();
  std::vector<uint64_t> used(chunks.size());
  for (size_t i = 0; i < chunks.size(); i++) {
    BF_TRY(check_chunk(*chunks[i]));
    used[i] = chunks[i]->length;
  }
  if (trees_.block_group != nullptr) {
    ReadCursor cursor(*trees_.block_group);
    for (size_t i = 0; i < chunks.size(); i++) {
      BF_ASSIGN(const DiskBlockGroupItem item, read_block_group_item(cursor, *chunks[i]));
      used[i] = item.used;
    }
    if (trees_.block_group->id() == objectid::kBlockGroupTree) {
      BF_TRY(check_block_groups_have_chunks(cursor, volume_));
    }
  }
  MutexLock lock(mutex_);
  bool mixed = (volume_.super().incompat_flags & incompat::kMixedGroups) != 0;
  for (const auto& chunk : chunks) mixed |= (chunk->type & bg::kData) && (chunk->type & bg::kMetadata);
  pools_.push_back(std::make_unique<SpacePool>(mixed ? bg::kData | bg::kMetadata : bg::kData));
  data_ = metadata_ = pools_.back().get();
  if (!mixed) {
    pools_.push_back(std::make_unique<SpacePool>(bg::kMetadata));
    metadata_ = pools_.back().get();
  }
  pools_.push_back(std::make_unique<SpacePool>(bg::kSystem));
  system_ = pools_.back().get();
  for (size_t i = 0; i < chunks.size(); i++) BF_TRY(add_existing_group(chunks[i], used[i]));
  return {};
}

Status SpaceAllocator::add_existing_group(std::shared_ptr<const ChunkMapping> chunk, uint64_t used) {
  BF_TRY(device_space_.add(*chunk));
  bool on_seed = false;
  for (const ChunkStripe& stripe : chunk->stripes) {
    device_bytes_inserted_[stripe.devid] += chunk->stripe_bytes();
    on_seed |= stripe.device->seed;
  }
  next_logical_ = std::max(next_logical_, chunk->start + chunk->length);
  auto group = std::make_unique<BlockGroup>(std::move(chunk), used);
  SpacePool& pool = pool_for_type(group->chunk->type);
  pool.add(group.get());
  group->read_only = on_seed;
  if (on_seed) pool.set_damaged(*group);  // nothing is to be had from it
  groups_.emplace(group->start(), std::move(group));
  return {};
}

SpacePool& SpaceAllocator::pool_for_type(uint64_t type) {
  if (type & bg::kSystem) return *system_;
  return type & bg::kData ? *data_ : *metadata_;
}

SpacePool& SpaceAllocator::pool_of(SpaceClass space) const {
  if (space == SpaceClass::system) return *system_;
  return space == SpaceClass::data ? *data_ : *metadata_;
}

BlockGroup* SpaceAllocator::group_at(uint64_t bytenr) const {
  auto behind = groups_.upper_bound(bytenr);
  if (behind == groups_.begin()) return nullptr;
  BlockGroup* group = std::prev(behind)->second.get();
  return group->range().contains(bytenr) ? group : nullptr;
}

BlockGroup* SpaceAllocator::group_of(ByteRange range) const {
  BlockGroup* group = group_at(range.start);
  return group != nullptr && !range.empty() && group->range().contains(range) ? group : nullptr;
}

}  // namespace butterfuse
