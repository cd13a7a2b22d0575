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
// Each copied block queues two references (the old one's, the new one's), and an item can be one of data.
constexpr uint64_t kRefsPerItem = 2 * kBlocksPerItem + 1;
// What one extent's references may copy: leaves of the extent, free space and checksum tree.
constexpr uint64_t kLeavesPerRef = 3;
// Its items, in leaves that are half full.
constexpr uint64_t kGrowthPerRef = 256;
// Copied followers free blocks themselves, whose items fill about this part of the metadata.
constexpr uint64_t kMetadataPerItsItems = 64;
// Freeing gets along with less of the global reserve: the commit behind it gives back more.
constexpr uint64_t kFreeingReservePart = 4;
constexpr uint64_t kLeastFreeingBlocks = 8;

}  // namespace

uint64_t SpaceAllocator::metadata_bytes_for_items(uint64_t items) const {
  return items * kBlocksPerItem * nodesize_;
}

// Kept for work that nobody promised space for and CommitDebt does not count: root, device and block group
// items.
uint64_t SpaceAllocator::global_reserve() const {
  return std::clamp(metadata_->counters().total / (metadata_->mixed() ? 32 : 16), kMiB, 16 * kMiB);
}

// Of the follower trees, what these many extents' references will copy.
uint64_t SpaceAllocator::follower_copies(uint64_t refs) const {
  if (refs == 0) return 0;
  const uint64_t scattered =
      refs * kLeavesPerRef * nodesize_ + metadata_->counters().used / kMetadataPerItsItems;
  return std::min(scattered, debt_.uncopied_followers());
}

// A block is copied once a transaction however many items in it change, so that all promises together, and
// what the commit adds to them, never copy more than there is; beyond that only new items count, by the
// leaves they can add.
uint64_t SpaceAllocator::metadata_need(uint64_t extra, const Unpromised& work) const {
  const uint64_t item = kBlocksPerItem * nodesize_;
  const uint64_t promised = metadata_promised_ + extra;
  const uint64_t growth_per_item = std::max<uint64_t>(kGrowthPerItem, nodesize_ / 4);
  const uint64_t growth = promised / item * growth_per_item;
  const uint64_t copies = metadata_->counters().used + metadata_->counters().reserved;
  const uint64_t own = std::min(promised + work.inodes * nodesize_, copies + growth);
  const uint64_t refs = work.refs + own / item * kRefsPerItem;
  return std::min(own + follower_copies(refs), copies + growth) + refs * kGrowthPerRef + global_reserve();
}

uint64_t SpaceAllocator::metadata_need(uint64_t extra) const { return metadata_need(extra, unpromised()); }

uint64_t SpaceAllocator::metadata_pool_need(uint64_t extra) const {
  return metadata_need(extra) + (metadata_->mixed() ? data_promised_ : 0);
}

uint64_t SpaceAllocator::need_while_freeing(uint64_t extra) const {
  const uint64_t reserve = global_reserve();
  return metadata_pool_need(extra) - reserve + reserve / kFreeingReservePart;
}

// Promises stop where the whole reserve is left: half of it is for those who can't be refused.
bool SpaceAllocator::commit_fits() const {
  MutexLock lock(mutex_);
  const uint64_t need = metadata_pool_need(0) - global_reserve() / 2;
  return metadata_->counters().free() >= need || metadata_room() >= need;
}

uint64_t SpaceAllocator::pool_need(const SpacePool& pool, const Unpromised& work) const {
  uint64_t need = 0;
  if (&pool == data_) need += data_promised_;
  if (&pool == metadata_) need += metadata_need(0, work);
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
  const uint64_t kept = global_reserve() + follower_copies(debt_.refs());
  return counters.free() < kept || taken >= counters.total / 10 * 8;
}

Status SpaceAllocator::promise_data(uint64_t bytes) {
  while (data_->counters().free() < pool_need(*data_, unpromised()) ||
         data_->counters().free() - pool_need(*data_, unpromised()) < bytes) {
    if (grow(*data_)) continue;
    return make_error(ENOSPC, "no space for {} bytes of data: {} free, {} promised", bytes,
                      data_->counters().free(), data_promised_);
  }
  data_promised_ += bytes;
  return {};
}

Status SpaceAllocator::promise_metadata(uint64_t bytes) {
  const uint64_t need = metadata_pool_need(bytes);
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

void SpaceAllocator::prepare_commit() {
  uint64_t need = 0;
  {
    MutexLock lock(mutex_);
    const auto [refs, inodes] = unpromised();
    if (refs + inodes + metadata_promised_ == 0) return;
    need = metadata_need(0);
  }
  load_metadata_groups(need);
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
    const uint64_t room = metadata_room();
    const uint64_t least = kLeastFreeingBlocks * nodesize_;
    if (const uint64_t least_need = need_while_freeing(least); room < least_need) {
      starving_ = metadata_;
      return make_error(ENOSPC, "no metadata space even to free space: {} left, {} needed", room, least_need);
    }
    while (bytes > least && need_while_freeing(bytes) > room) bytes = std::max(bytes / 2, least);
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
