// SPDX-License-Identifier: GPL-2.0-or-later
// Statfs: the numbers for people.
#include <algorithm>

#include "core/alloc/space_allocator.h"
#include "core/chunk/chunk_plan.h"

namespace butterfuse {

SpaceNumbers SpaceAllocator::numbers(SpaceClass space) const {
  MutexLock lock(state_.mutex);
  const SpaceCounters& counters = state_.groups.pool_of(space).counters();
  SpaceNumbers numbers;
  numbers.total = counters.total;
  numbers.used = counters.used;
  numbers.pinned = counters.pinned;
  numbers.reserved = counters.reserved;
  numbers.unusable = counters.unusable;
  if (space == SpaceClass::data) numbers.may_use = state_.promises.data_bytes();
  if (space == SpaceClass::metadata) numbers.may_use = state_.promises.metadata_bytes();
  return numbers;
}

bool SpaceAllocator::has_uncommitted_chunks() const {
  MutexLock lock(state_.mutex);
  for (const auto& [start, group] : state_.groups.by_start())
    if (group->items != BlockGroup::Items::inserted) return true;
  return false;
}

// As btrfs_statfs: all bytes are raw device bytes over the data profile's copies. Unlike there, promised data
// counts as used at once: what was written shows before it is on disk.
StatfsNumbers SpaceAllocator::statfs() const {
  MutexLock lock(state_.mutex);
  const uint64_t promised = state_.promises.data_bytes();
  const uint64_t factor = copies_of_profile(state_.groups.data().profile());
  uint64_t device_bytes = 0;
  for (const DeviceHoles& device : state_.device_space.devices()) device_bytes += device.bytes();
  uint64_t raw_used = promised * factor;
  for (const auto& pool : state_.groups.pools()) {
    for (const BlockGroup* group : pool->groups()) {
      raw_used += (group->counters.used + group->counters.reserved) * copies_of_profile(group->chunk->type);
    }
  }
  const SpaceCounters& data = state_.groups.data().counters();
  const uint64_t reserve = state_.promises.global_reserve();
  const uint64_t spoken_for = data.used + data.reserved + data.unusable + promised;
  StatfsNumbers numbers;
  numbers.total = device_bytes / factor;
  const uint64_t used = raw_used / factor + (state_.groups.mixed() ? 0 : reserve);
  numbers.free = numbers.total - std::min(numbers.total, used);
  numbers.available = data.total - std::min(data.total, spoken_for);
  if (state_.groups.mixed()) numbers.available -= std::min(numbers.available, reserve);
  numbers.available += state_.device_space.convertible_bytes(state_.groups.data().profile());
  const bool metadata_full =
      !state_.groups.mixed() &&
      state_.promises.metadata_room() + state_.groups.metadata().counters().pinned < reserve;
  if (metadata_full) numbers.available = 0;
  numbers.available = std::min(numbers.available, numbers.free);
  return numbers;
}

uint64_t SpaceAllocator::bytes_used() const {
  MutexLock lock(state_.mutex);
  return state_.groups.bytes_used();
}

uint64_t SpaceAllocator::device_bytes_used() const {
  MutexLock lock(state_.mutex);
  uint64_t used = 0;
  for (const auto& [devid, bytes] : state_.device_bytes_inserted) used += bytes;
  return used;
}

}  // namespace butterfuse
