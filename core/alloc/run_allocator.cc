// SPDX-License-Identifier: GPL-2.0-or-later
// RunAllocator: searching and taking.
#include "core/alloc/run_allocator.h"

#include "core/base/assert.h"

namespace butterfuse {

void RunAllocator::take(ByteRange range) {
  BlockGroup* group = groups_.containing(range);
  BF_ASSERT(group != nullptr && group->loaded(), "[{}, {})", range.start, range.end);
  const uint64_t changed = group->free_space->set_used(range);
  BF_ASSERT(changed == range.length(), "[{}, {}) was not free", range.start, range.end);
  group->pool->move(*group, nullptr, &SpaceCounters::reserved, range.length());
}

void RunAllocator::give_back(ByteRange range) {
  BlockGroup* group = groups_.containing(range);
  BF_ASSERT(group != nullptr && group->loaded(), "[{}, {})", range.start, range.end);
  const uint64_t changed = group->free_space->set_free(range);
  BF_ASSERT(changed == range.length(), "[{}, {}) was free", range.start, range.end);
  group->pool->move(*group, &SpaceCounters::reserved, nullptr, range.length());
}

ByteRange RunAllocator::take_data(uint64_t bytes) {
  const ByteRange found = groups_.data().find(bytes, sectorsize_, &data_cursor_);
  if (!found.empty()) take(found);
  return found;
}

ByteRange RunAllocator::take_data_at(uint64_t start, uint64_t bytes) {
  const ByteRange range = ByteRange::at(start, bytes);
  BlockGroup* group = start == 0 || start % sectorsize_ != 0 ? nullptr : groups_.containing(range);
  const bool fits = group != nullptr && group->pool == &groups_.data() && group->loaded() &&
                    group->free_space->all_free(range);
  if (!fits) return {};
  take(range);
  if (range.contains(data_cursor_) || data_cursor_ == range.end) data_cursor_ = range.end;
  return range;
}

ByteRange RunAllocator::take_longest_data(uint64_t bytes, uint64_t min_bytes) {
  const ByteRange found = groups_.data().find_longest(bytes);
  if (found.length() < min_bytes) return {};
  data_cursor_ = found.end;
  take(found);
  return found;
}

ByteRange RunAllocator::take_tree_block(SpacePool& pool) {
  uint64_t& cursor = &pool == &groups_.system() ? system_cursor_ : metadata_cursor_;
  const ByteRange found = pool.find(nodesize_, nodesize_, &cursor);
  if (!found.empty()) take(found);
  return found;
}

}  // namespace butterfuse
