// Pinned extents: freed space that the last superblocks still reach, and what becomes of it when they are
// history.
#include <algorithm>

#include "core/alloc/chunk_allocator.h"
#include "core/alloc/space_allocator.h"

namespace butterfuse {

// Pins carry their transid.
void SpaceAllocator::begin_commit(uint64_t) {
  MutexLock lock(mutex_);
  data_taken_ = 0;
  due_commit_told_ = false;
  note_lost_devices();
}

void SpaceAllocator::finish_commit(uint64_t transid) {
  std::vector<ByteRange> to_discard;
  {
    MutexLock lock(mutex_);
    if (discard_) to_discard = ranges_to_discard(transid);
  }
  // Still pinned while it is discarded: nobody writes there meanwhile.
  for (const ByteRange& range : to_discard) volume_.discard(range.start, range.length());
  MutexLock lock(mutex_);
  while (!pinned_.empty() && pinned_.begin()->first <= transid) {
    for (const ByteRange& range : pinned_.begin()->second) unpin(range);
    pinned_.erase(pinned_.begin());
  }
  const auto alive = std::stable_partition(dying_chunks_.begin(), dying_chunks_.end(),
                                           [&](const DyingChunk& dying) { return dying.transid <= transid; });
  for (auto it = dying_chunks_.begin(); it != alive; ++it) bury_chunk(*it->chunk);
  dying_chunks_.erase(dying_chunks_.begin(), alive);
}

std::vector<ByteRange> SpaceAllocator::ranges_to_discard(uint64_t transid) const {
  std::vector<ByteRange> ranges;
  for (const auto& [pinned_by, pins] : pinned_) {
    if (pinned_by > transid) break;
    for (const ByteRange& range : pins) {
      if (group_of(range) != nullptr) ranges.push_back(range);
    }
  }
  for (const DyingChunk& dying : dying_chunks_) {
    if (dying.transid <= transid) ranges.push_back(ByteRange::at(dying.chunk->start, dying.chunk->length));
  }
  return ranges;
}

void SpaceAllocator::unpin(ByteRange range) {
  BlockGroup* group = group_of(range);
  if (group == nullptr) return;  // removed in the meantime
  // Extents of a damaged image may overlap: what is not there twice is not free twice.
  uint64_t freed = group->loading == BlockGroup::Loading::damaged ? 0 : range.length();
  if (group->loaded()) freed = group->free_space->set_free(range);
  group->pool->move(*group, &SpaceCounters::pinned, nullptr, freed);
  group->pool->move(*group, &SpaceCounters::pinned, &SpaceCounters::unusable, range.length() - freed);
}

void SpaceAllocator::bury_chunk(const ChunkMapping& chunk) {
  volume_.remove_chunk(chunk.start);
  device_space_.remove(chunk);
}

uint64_t SpaceAllocator::device_bytes_of_empty_groups(const SpacePool& except) const {
  uint64_t bytes = 0;
  for (const auto& pool : pools_) {
    if (pool.get() == &except || pool.get() == system_ || pool->groups().size() < 2) continue;
    for (const BlockGroup* group : pool->groups()) {
      if (is_empty_group(*group)) bytes += group->chunk->device_bytes();
    }
  }
  return bytes;
}

bool SpaceAllocator::hear_that_commit_is_due() {
  constexpr uint64_t kLeast = 16u << 20;  // less is not worth a commit
  MutexLock lock(mutex_);
  if (due_commit_told_ || data_taken_ < kLeast) return false;
  const uint64_t room = data_->counters().free() + device_space_.convertible_bytes(data_->profile());
  due_commit_told_ = data_taken_ > room - std::min(room, pool_need(*data_, TreePromises::Of::promises));
  return due_commit_told_;
}

bool SpaceAllocator::commit_would_free(SpaceClass space, uint64_t bytes) const {
  MutexLock lock(mutex_);
  const SpacePool& pool = pool_of(space);
  uint64_t device_bytes = device_bytes_of_empty_groups(pool);
  for (const DyingChunk& dying : dying_chunks_) device_bytes += dying.chunk->device_bytes();
  const uint64_t gain = pool.counters().pinned + device_bytes / copies_of_profile(pool.profile());
  const uint64_t room = &pool == data_ ? pool.counters().free() : metadata_room();
  const bool helps = gain > 0 || (&pool == metadata_ && debt_.refs() + debt_.trees().inodes() > 0);
  return helps && room + gain >= pool_need(pool, TreePromises::Of::promises) + bytes;
}

}  // namespace butterfuse
