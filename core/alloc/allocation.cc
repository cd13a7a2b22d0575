// Allocation: the hot paths. Both kinds go on where the last search ended, so that what is written together
// lies together.
#include <algorithm>
#include <utility>

#include "core/alloc/chunk_allocator.h"
#include "core/alloc/space_allocator.h"
#include "core/base/assert.h"

namespace butterfuse {

// The range leaves the free space and counts as reserved.
void SpaceAllocator::take(ByteRange range) {
  BlockGroup* group = group_of(range);
  BF_ASSERT(group != nullptr && group->loaded(), "[{}, {})", range.start, range.end);
  const uint64_t changed = group->free_space->set_used(range);
  BF_ASSERT(changed == range.length(), "[{}, {}) was not free", range.start, range.end);
  group->pool->move(*group, nullptr, &SpaceCounters::reserved, range.length());
}

// Right behind what the file has, when that is free.
ByteRange SpaceAllocator::take_at_hint(uint64_t bytes, uint64_t hint) {
  const ByteRange range = ByteRange::at(hint, bytes);
  BlockGroup* group = hint == 0 || hint % sectorsize_ != 0 ? nullptr : group_of(range);
  const bool fits =
      group != nullptr && group->pool == data_ && group->loaded() && group->free_space->all_free(range);
  if (!fits) return {};
  take(range);
  if (range.contains(data_cursor_) || data_cursor_ == range.end) data_cursor_ = range.end;
  return range;
}

// In order: a whole run where groups are loaded, in groups still to load, in one new chunk; then the longest
// run.
Result<ByteRange> SpaceAllocator::alloc_data(uint64_t bytes, uint64_t min_bytes, uint64_t hint) {
  BF_ASSERT(min_bytes > 0 && min_bytes <= bytes && bytes % sectorsize_ == 0 && min_bytes % sectorsize_ == 0,
            "{} to {} bytes", min_bytes, bytes);
  bool may_grow = false;
  {
    MutexLock lock(mutex_);
    may_grow = bytes <= wanted_bytes(*data_);
  }
  while (true) {
    BlockGroup* to_load = nullptr;
    {
      MutexLock lock(mutex_);
      if (const ByteRange near = take_at_hint(bytes, hint); !near.empty()) {
        data_taken_ += near.length();
        return near;
      }
      ByteRange found = data_->find(bytes, sectorsize_, &data_cursor_);
      if (found.empty()) to_load = data_->unloaded_group(bytes);
      if (found.empty() && to_load == nullptr) {
        if (data_->any_loading()) {
          group_loaded_.wait(lock);
          continue;
        }
        if (std::exchange(may_grow, false) && grow(*data_)) continue;
        to_load = data_->unloaded_group(min_bytes);
      }
      if (found.empty() && to_load == nullptr) {
        BF_ASSIGN(found, longest_data_run(bytes, min_bytes));
      }
      if (!found.empty()) {
        take(found);
        data_taken_ += found.length();
        return found;
      }
      to_load->loading = BlockGroup::Loading::loading;
    }
    load_group(*to_load);
  }
}

Result<ByteRange> SpaceAllocator::longest_data_run(uint64_t bytes, uint64_t min_bytes) {
  ByteRange found = data_->find_longest(bytes);
  if (found.length() < min_bytes && grow(*data_)) found = data_->find_longest(bytes);
  if (found.length() < min_bytes) {
    return make_error(ENOSPC, "no free run of {} bytes of data: {} free, longest run {}", min_bytes,
                      data_->counters().free(), found.length());
  }
  data_cursor_ = found.end;
  return found;
}

bool SpaceAllocator::none_loaded(SpaceClass space) const {
  MutexLock lock(mutex_);
  const auto& groups = pool_of(space).groups();
  return std::none_of(groups.begin(), groups.end(), [](BlockGroup* group) { return group->loaded(); });
}

Result<uint64_t> SpaceAllocator::alloc_tree_block(SpaceClass space, uint64_t hint) {
  (void)hint;  // blocks of one transaction lie best one behind the other: written in one go
  BF_ASSERT(space != SpaceClass::data);
  // Nothing is loaded before the first promise, and then no lock of the trees to load from is held either.
  if (none_loaded(space)) load_until(space, 1);
  MutexLock lock(mutex_);
  SpacePool& pool = pool_of(space);
  uint64_t& cursor = &pool == system_ ? system_cursor_ : metadata_cursor_;
  ByteRange found = pool.find(nodesize_, nodesize_, &cursor);
  if (found.empty() && grow(pool)) found = pool.find(nodesize_, nodesize_, &cursor);
  if (found.empty()) {
    const SpaceCounters& counters = pool.counters();
    return make_error(ENOSPC,
                      "no space for a tree block: {} of {} bytes free, {} loaded, {} used, {} reserved, {} "
                      "pinned, {} promised; left to the commit: {} references, {} inodes, {} bytes of trees",
                      counters.free(), counters.total, pool.loaded_free(), counters.used, counters.reserved,
                      counters.pinned, debt_.trees().promised(), debt_.refs(), debt_.trees().inodes(),
                      debt_.uncopied_followers());
  }
  take(found);
  return found.start;
}

Status SpaceAllocator::take_if_free(BlockGroup& group, ByteRange range) {
  if (!group.loaded()) return make_error(EUCLEAN, "block group {} is damaged", group.start());
  if (!group.free_space->all_free(range))
    return make_error(EUCLEAN, "[{}, {}) is in use already", range.start, range.end);
  take(range);
  return {};
}

Status SpaceAllocator::reserve_at(SpaceClass space, ByteRange range) {
  const uint64_t type = space == SpaceClass::data       ? bg::kData
                        : space == SpaceClass::metadata ? bg::kMetadata
                                                        : bg::kSystem;
  while (true) {
    BlockGroup* group = nullptr;
    {
      MutexLock lock(mutex_);
      group = aligned(range) ? group_of(range) : nullptr;
      if (group == nullptr || (group->chunk->type & type) == 0)
        return make_error(EUCLEAN, "[{}, {}) is in no block group of type {:#x}", range.start, range.end,
                          type);
      if (group->loading == BlockGroup::Loading::loading) {
        group_loaded_.wait(lock);
        continue;
      }
      if (group->loading != BlockGroup::Loading::unloaded) return take_if_free(*group, range);
      group->loading = BlockGroup::Loading::loading;
    }
    load_group(*group);
  }
}

void SpaceAllocator::release_reserved(ByteRange range) {
  MutexLock lock(mutex_);
  BlockGroup* group = group_of(range);
  BF_ASSERT(group != nullptr && group->loaded(), "[{}, {})", range.start, range.end);
  const uint64_t changed = group->free_space->set_free(range);
  BF_ASSERT(changed == range.length(), "[{}, {}) was free", range.start, range.end);
  group->pool->move(*group, &SpaceCounters::reserved, nullptr, range.length());
}

void SpaceAllocator::release_unwritten_tree_block(uint64_t bytenr) {
  release_reserved(ByteRange::at(bytenr, nodesize_));
}

}  // namespace butterfuse
