// SPDX-License-Identifier: GPL-2.0-or-later
// Extent notes: what the delayed refs tell about extent items that came and went.
#include "core/alloc/space_allocator.h"

namespace butterfuse {

bool SpaceAllocator::aligned(ByteRange range) const {
  return range.start % state_.sectorsize == 0 && range.length() % state_.sectorsize == 0;
}

Status SpaceAllocator::record_change(BlockGroup& group, ByteRange range, bool free) {
  if (state_.trees.free_space != nullptr) return state_.dirty.record(group, range, free);
  state_.dirty.mark(group);
  return {};
}

Status SpaceAllocator::note_extent_added(CowContext& context, ByteRange range) {
  {
    MutexLock lock(state_.mutex);
    BlockGroup* group = aligned(range) ? state_.groups.containing(range) : nullptr;
    if (group == nullptr || group->counters.reserved < range.length()) {
      return make_error(EUCLEAN, "new extent [{}, {}) was not allocated", range.start, range.end);
    }
    group->pool->move(*group, &SpaceCounters::reserved, &SpaceCounters::used, range.length());
    BF_TRY(record_change(*group, range, false));
  }
  return write_if_many(context);
}

Status SpaceAllocator::note_extent_removed(CowContext& context, ByteRange range) {
  {
    MutexLock lock(state_.mutex);
    BlockGroup* group = aligned(range) ? state_.groups.containing(range) : nullptr;
    const bool known = group != nullptr && group->counters.used >= range.length();
    if (!known || (group->loaded() && !group->free_space->none_free(range))) {
      return make_error(EUCLEAN, "freed extent [{}, {}) is not in use by the block groups", range.start,
                        range.end);
    }
    state_.pins.pin(context.transid(), *group, range);
    BF_TRY(record_change(*group, range, true));
  }
  return write_if_many(context);
}

Status SpaceAllocator::write_if_many(CowContext& context) {
  {
    MutexLock lock(state_.mutex);
    if (!state_.dirty.too_many_wait()) return {};
  }
  BF_TRY(items_.write_free_space(state_, context));
  return {};
}

void SpaceAllocator::release_unwritten_tree_block(uint64_t bytenr) {
  release_reserved(ByteRange::at(bytenr, state_.nodesize));
}

}  // namespace butterfuse
