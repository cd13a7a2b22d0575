// Extent notes: what the delayed refs tell about extent items that came and went.
#include "core/alloc/space_allocator.h"

namespace butterfuse {
namespace {

constexpr size_t kMaxQueuedChanges = 1u << 16;  // bounds the memory of the queue: then it is written early

}  // namespace

bool SpaceAllocator::aligned(ByteRange range) const {
  return range.start % sectorsize_ == 0 && range.length() % sectorsize_ == 0;
}

Status SpaceAllocator::queue_free_space_change(BlockGroup& group, ByteRange range, bool free) {
  dirty_groups_.insert(group.start());
  if (trees_.free_space == nullptr) return {};
  queued_changes_++;
  if (group.delta.record(range, free)) return {};
  return make_error(EUCLEAN, "extent [{}, {}) was {} twice", range.start, range.end,
                    free ? "freed" : "added");
}

Status SpaceAllocator::note_extent_added(CowContext& context, ByteRange range) {
  {
    MutexLock lock(mutex_);
    BlockGroup* group = aligned(range) ? group_of(range) : nullptr;
    if (group == nullptr || group->counters.reserved < range.length()) {
      return make_error(EUCLEAN, "new extent [{}, {}) was not allocated", range.start, range.end);
    }
    group->pool->move(*group, &SpaceCounters::reserved, &SpaceCounters::used, range.length());
    BF_TRY(queue_free_space_change(*group, range, false));
  }
  return flush_if_many(context);
}

Status SpaceAllocator::note_extent_removed(CowContext& context, ByteRange range) {
  {
    MutexLock lock(mutex_);
    BlockGroup* group = aligned(range) ? group_of(range) : nullptr;
    const bool known = group != nullptr && group->counters.used >= range.length();
    if (!known || (group->loaded() && !group->free_space->none_free(range))) {
      return make_error(EUCLEAN, "freed extent [{}, {}) is not in use by the block groups", range.start,
                        range.end);
    }
    group->pool->move(*group, &SpaceCounters::used, &SpaceCounters::pinned, range.length());
    std::vector<ByteRange>& pins = pinned_[context.transid()];
    const bool joins =
        !pins.empty() && pins.back().end == range.start && group->range().contains(pins.back());
    if (joins) {
      pins.back().end = range.end;
    } else {
      pins.push_back(range);
    }
    BF_TRY(queue_free_space_change(*group, range, true));
  }
  return flush_if_many(context);
}

Status SpaceAllocator::flush_if_many(CowContext& context) {
  {
    MutexLock lock(mutex_);
    if (queued_changes_ < kMaxQueuedChanges) return {};
  }
  bool changed = false;
  return flush_free_space(context, &changed);
}

}  // namespace butterfuse
