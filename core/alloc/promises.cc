// Promises of space: how much of what is free is spoken for.
#include <algorithm>

#include "core/alloc/chunk_allocator.h"
#include "core/alloc/space_allocator.h"

namespace butterfuse {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
// Nominal worst case of one item: a leaf and its parents copied, and a split.
constexpr uint64_t kBlocksPerItem = 4;
constexpr uint64_t kGrowthPerItem = 4096;  // at 16 KiB nodes; see metadata_need

}  // namespace

uint64_t SpaceAllocator::metadata_bytes_for_items(uint64_t items) const {
  return items * kBlocksPerItem * nodesize_;
}

// Kept for work that nobody promised space for: running delayed refs, the extent, free space and block group
// trees of the commit itself. A part of what the metadata could need to be copied once, at least a little on
// small images.
uint64_t SpaceAllocator::global_reserve() const {
  const SpaceCounters& counters = metadata_->counters();
  const uint64_t least = std::clamp(counters.total / (metadata_->mixed() ? 32 : 16), kMiB, 16 * kMiB);
  if (metadata_->mixed()) return least;
  const uint64_t used = counters.used + counters.reserved;
  const uint64_t small = std::min(used, 64 * kMiB);
  const uint64_t part = small / 5 + (used - small) / 10;
  return std::clamp(part, least, 512 * kMiB);
}

// A block is copied once a transaction however many items in it change, so that all promises together never
// copy more than there is; beyond that only new items count, by the leaves they can add.
uint64_t SpaceAllocator::metadata_need(uint64_t extra) const {
  const uint64_t promised = metadata_promised_ + extra;
  const uint64_t growth_per_item = std::max<uint64_t>(kGrowthPerItem, nodesize_ / 4);
  const uint64_t growth = promised / (kBlocksPerItem * nodesize_) * growth_per_item;
  const uint64_t used = metadata_->counters().used;
  const uint64_t copies = metadata_->mixed() ? used / 8 : used;
  return std::min(promised, copies + growth) + global_reserve();
}

uint64_t SpaceAllocator::pool_need(const SpacePool& pool) const {
  uint64_t need = 0;
  if (&pool == data_) need += data_promised_;
  if (&pool == metadata_) need += metadata_need(0);
  return need;
}

uint64_t SpaceAllocator::metadata_room() const {
  return metadata_->counters().free() + device_space_.convertible_bytes(metadata_->profile());
}

// Time for a new metadata chunk, while the device still has space: as the kernel, when four fifths are in
// use.
bool SpaceAllocator::metadata_is_tight() const {
  const SpaceCounters& counters = metadata_->counters();
  const uint64_t taken = counters.total - counters.free();
  return counters.free() < global_reserve() || taken >= counters.total / 10 * 8;
}

Status SpaceAllocator::promise_data(uint64_t bytes) {
  while (data_->counters().free() < pool_need(*data_) ||
         data_->counters().free() - pool_need(*data_) < bytes) {
    if (grow(*data_)) continue;
    return make_error(ENOSPC, "no space for {} bytes of data: {} free, {} promised", bytes,
                      data_->counters().free(), data_promised_);
  }
  data_promised_ += bytes;
  return {};
}

Status SpaceAllocator::promise_metadata(uint64_t bytes) {
  const uint64_t need = metadata_need(bytes) + (metadata_->mixed() ? data_promised_ : 0);
  if (metadata_->counters().free() < need || metadata_is_tight()) {
    if (metadata_room() < need) {
      starving_ = metadata_;
      return make_error(ENOSPC, "no space for {} bytes of metadata: {} free, {} needed", bytes,
                        metadata_->counters().free(), need);
    }
    if (metadata_is_tight()) grow(*metadata_);
  }
  metadata_promised_ += bytes;
  return {};
}

Result<Reservation> SpaceAllocator::reserve(SpaceClass space, uint64_t bytes) {
  if (space == SpaceClass::data) {
    MutexLock lock(mutex_);
    BF_TRY(promise_data(bytes));
    return make_reservation(space, bytes);
  }
  uint64_t need = 0;
  {
    MutexLock lock(mutex_);
    BF_TRY(promise_metadata(bytes));
    need = metadata_need(0);
  }
  Reservation reservation = make_reservation(SpaceClass::metadata, bytes);
  load_metadata_groups(need);
  return reservation;
}

Result<Reservation> SpaceAllocator::reserve_freeing(uint64_t bytes) {
  uint64_t need = 0;
  {
    MutexLock lock(mutex_);
    if (metadata_is_tight()) grow(*metadata_);
    const uint64_t spoken_for =
        metadata_need(0) - global_reserve() + (metadata_->mixed() ? data_promised_ : 0);
    const uint64_t kept = spoken_for + global_reserve() / 4;
    const uint64_t room = metadata_room();
    if (room < kept + 8 * nodesize_) {
      starving_ = metadata_;
      return make_error(ENOSPC, "no metadata space even to free space: {} left, {} kept", room, kept);
    }
    bytes = std::min(bytes, room - kept);
    metadata_promised_ += bytes;
    need = metadata_need(0);
  }
  Reservation reservation = make_reservation(SpaceClass::metadata, bytes);
  load_metadata_groups(need);
  return reservation;
}

void SpaceAllocator::give_back(SpaceClass space, uint64_t bytes) {
  MutexLock lock(mutex_);
  (space == SpaceClass::data ? data_promised_ : metadata_promised_) -= bytes;
}

}  // namespace butterfuse
