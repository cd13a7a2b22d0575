// SPDX-License-Identifier: GPL-2.0-or-later
// Allocation: the hot paths: where a run is looked for, in which order, and what is loaded or grown for it.
#include <utility>

#include "core/alloc/space_allocator.h"
#include "core/base/assert.h"

namespace butterfuse {

// In order: a whole run in the groups that are loaded, in groups still to load, in one new chunk;
// then the longest run.
Result<ByteRange> SpaceAllocator::alloc_data(uint64_t bytes, uint64_t min_bytes, uint64_t hint) {
  BF_ASSERT(min_bytes > 0 && min_bytes <= bytes && bytes % state_.sectorsize == 0 &&
                min_bytes % state_.sectorsize == 0,
            "{} to {} bytes", min_bytes, bytes);
  bool may_grow = false;
  {
    MutexLock lock(state_.mutex);
    may_grow = bytes <= state_.chunks.wanted_bytes(state_.groups.data());
  }
  while (true) {
    BlockGroup* to_load = nullptr;
    {
      MutexLock lock(state_.mutex);
      SpacePool& data = state_.groups.data();
      ByteRange found = state_.runs.take_data_at(hint, bytes);
      if (found.empty()) found = state_.runs.take_data(bytes);
      if (found.empty()) to_load = data.unloaded_group(bytes);
      if (found.empty() && to_load == nullptr) {
        if (data.any_loading()) {
          state_.group_loaded.wait(lock);
          continue;
        }
        if (std::exchange(may_grow, false) && state_.chunks.grow(data)) continue;
        to_load = data.unloaded_group(min_bytes);
      }
      if (found.empty() && to_load == nullptr) {
        BF_ASSIGN(found, take_longest_data(bytes, min_bytes));
      }
      if (!found.empty()) {
        state_.gain.note_data_taken(found.length());
        return found;
      }
      to_load->loading = BlockGroup::Loading::loading;
    }
    loader_.load(state_, *to_load);
  }
}

Result<ByteRange> SpaceAllocator::take_longest_data(uint64_t bytes, uint64_t min_bytes) {
  SpacePool& data = state_.groups.data();
  ByteRange found = state_.runs.take_longest_data(bytes, min_bytes);
  if (found.empty() && state_.chunks.grow(data)) found = state_.runs.take_longest_data(bytes, min_bytes);
  if (found.empty()) {
    return make_error(ENOSPC, "no free run of {} bytes of data: {} free, longest run {}", min_bytes,
                      data.counters().free(), data.find_longest(bytes).length());
  }
  return found;
}

bool SpaceAllocator::none_loaded(SpaceClass space) const {
  MutexLock lock(state_.mutex);
  return state_.groups.pool_of(space).none_loaded();
}

Result<uint64_t> SpaceAllocator::alloc_tree_block(SpaceClass space) {
  BF_ASSERT(space != SpaceClass::data);
  // Nothing is loaded before the first promise, and then no lock of the trees to load from is held either.
  if (none_loaded(space)) loader_.load_until(state_, space, 1);
  MutexLock lock(state_.mutex);
  SpacePool& pool = state_.groups.pool_of(space);
  ByteRange found = state_.runs.take_tree_block(pool);
  if (found.empty() && state_.chunks.grow(pool)) found = state_.runs.take_tree_block(pool);
  if (found.empty()) return no_tree_block(pool);
  return found.start;
}

tl::unexpected<Error> SpaceAllocator::no_tree_block(const SpacePool& pool) const {
  const SpaceCounters& counters = pool.counters();
  const CommitDebt& debt = state_.debt;
  return make_error(ENOSPC,
                    "no space for a tree block: {} of {} bytes free, {} loaded, {} used, {} reserved, {} "
                    "pinned, {} promised; left to the commit: {} references, {} inodes, {} bytes of trees",
                    counters.free(), counters.total, pool.loaded_free(), counters.used, counters.reserved,
                    counters.pinned, debt.trees().promised(), debt.refs(), debt.trees().inodes(),
                    debt.uncopied_followers());
}

Status SpaceAllocator::take_if_free(const BlockGroup& group, ByteRange range) {
  if (!group.loaded()) return make_error(EUCLEAN, "block group {} is damaged", group.start());
  if (!group.free_space->all_free(range))
    return make_error(EUCLEAN, "[{}, {}) is in use already", range.start, range.end);
  state_.runs.take(range);
  return {};
}

Status SpaceAllocator::reserve_at(SpaceClass space, ByteRange range) {
  const uint64_t type = space == SpaceClass::data       ? bg::kData
                        : space == SpaceClass::metadata ? bg::kMetadata
                                                        : bg::kSystem;
  while (true) {
    BlockGroup* group = nullptr;
    {
      MutexLock lock(state_.mutex);
      group = aligned(range) ? state_.groups.containing(range) : nullptr;
      if (group == nullptr || (group->chunk->type & type) == 0)
        return make_error(EUCLEAN, "[{}, {}) is in no block group of type {:#x}", range.start, range.end,
                          type);
      if (group->loading == BlockGroup::Loading::loading) {
        state_.group_loaded.wait(lock);
        continue;
      }
      if (group->loading != BlockGroup::Loading::unloaded) return take_if_free(*group, range);
      group->loading = BlockGroup::Loading::loading;
    }
    loader_.load(state_, *group);
  }
}

void SpaceAllocator::release_reserved(ByteRange range) {
  MutexLock lock(state_.mutex);
  state_.runs.give_back(range);
}

}  // namespace butterfuse
