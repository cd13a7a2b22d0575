// Statfs: the numbers for people.
#include <algorithm>

#include "core/alloc/chunk_allocator.h"
#include "core/alloc/space_allocator.h"

namespace butterfuse {

SpaceNumbers SpaceAllocator::numbers(SpaceClass space) const {
  MutexLock lock(mutex_);
  const SpaceCounters& counters = pool_of(space).counters();
  SpaceNumbers numbers;
  numbers.total = counters.total;
  numbers.used = counters.used;
  numbers.pinned = counters.pinned;
  numbers.reserved = counters.reserved;
  numbers.unusable = counters.unusable;
  if (space == SpaceClass::data) numbers.may_use = data_promised_;
  if (space == SpaceClass::metadata) numbers.may_use = debt_.trees().promised();
  return numbers;
}

// As btrfs_statfs: all bytes are raw device bytes over the data profile's copies. Unlike there, promised data
// counts as used at once: what was written shows before it is on disk.
StatfsNumbers SpaceAllocator::statfs() const {
  MutexLock lock(mutex_);
  const uint64_t factor = copies_of_profile(data_->profile());
  uint64_t device_bytes = 0;
  for (const DeviceHoles& device : device_space_.devices()) device_bytes += device.bytes();
  uint64_t raw_used = data_promised_ * factor;
  for (const auto& pool : pools_) {
    for (const BlockGroup* group : pool->groups()) {
      raw_used += (group->counters.used + group->counters.reserved) * copies_of_profile(group->chunk->type);
    }
  }
  const SpaceCounters& data = data_->counters();
  const uint64_t reserve = global_reserve();
  const uint64_t spoken_for = data.used + data.reserved + data.unusable + data_promised_;
  StatfsNumbers numbers;
  numbers.total = device_bytes / factor;
  const uint64_t used = raw_used / factor + (data_ == metadata_ ? 0 : reserve);
  numbers.free = numbers.total - std::min(numbers.total, used);
  numbers.available = data.total - std::min(data.total, spoken_for);
  if (data_ == metadata_) numbers.available -= std::min(numbers.available, reserve);
  numbers.available += device_space_.convertible_bytes(data_->profile());
  const bool metadata_full = data_ != metadata_ && metadata_room() + metadata_->counters().pinned < reserve;
  if (metadata_full) numbers.available = 0;
  numbers.available = std::min(numbers.available, numbers.free);
  return numbers;
}

uint64_t SpaceAllocator::bytes_used() const {
  MutexLock lock(mutex_);
  uint64_t used = 0;
  for (const auto& pool : pools_) used += pool->counters().used;
  return used;
}

uint64_t SpaceAllocator::device_bytes_used() const {
  MutexLock lock(mutex_);
  uint64_t used = 0;
  for (const auto& [devid, bytes] : device_bytes_inserted_) used += bytes;
  return used;
}

void SpaceAllocator::set_discard(bool on) {
  MutexLock lock(mutex_);
  discard_ = on;
}

}  // namespace butterfuse
