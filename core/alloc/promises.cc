// Promises of space: how much of what is free is spoken for.
//
// A commit that runs out of space loses everything since the last one. So it must not: whoever will need space asks
// for it before, where ENOSPC can still be told, and this file says how much that is at the worst. The rule, at any
// time: free metadata space, and device space that could become such, hold metadata_need().
//
// **What one changed item costs** (kBlocksPerItem). Its leaf is copied, and split; the node above is copied, and now and
// then split (once for 100 and more new leaves). That is 4 blocks. What lies above is copied for all items together:
// TreePromises adds two paths for each tree that has anything promised. An item larger than a leaf's quarter counts as
// several; its maker says so.
//
// **Why all promises together need less.** A tree copies each of its blocks once in a transaction. So the promises for a
// tree need at most all its blocks, and new leaves for what is added: kLeastGrowthPerItem for an item, which is one
// of 2 KiB in leaves that are half full. The old blocks come back with the commit (pinned until then), so that the next
// transaction can do the same again. This bound holds tree by tree, and only for blocks that are the tree's alone:
//
// **Blocks that snapshots share** do not come back, for the other trees keep them: in the first transaction a tree may
// copy all its blocks for good, in the next one all of them once more. So a tree that shares has twice its size as the
// bound. And whoever copies a shared block adds a reference to everything it points to: up to 490 for a node of 16 KiB, some
// 200 for a leaf of file extents. These references become inline ones, or items of 53 bytes for 78 bytes of the
// leaf, 25 bytes for 33 of the node: in leaves that are half full one and a half blocks for each (kSharedGrowth).
//
// **The followers**: extent, free space, checksum, block group and root tree change because the others did. A
// reference may touch a leaf of three of them (kLeavesPerRef) and add kGrowthPerRef of items; each copied block makes
// two references. They are trees too: together they need no more than what of them this transaction has not copied yet.
// Copying a follower makes references as well, whose items are those of the block that was there before, elsewhere
// (kGrowthPerFollower). Where trees share blocks a single change can touch them all, so that they are kept free as a
// whole: what deletes a snapshot's file must find them.
//
// **Who holds what when.** An operation holds its promise while it runs; what it made is then used or reserved in the
// counters, what it left to the commit counts as debt (queued references as they are queued, dirty inodes from when
// they are queued to when the commit has written them). Delalloc holds its promise until its extents are in the trees. The
// commit itself has no promise: CommitDebt is its. Log trees promise their blocks, and give them back with the commit.
//
// **The global reserve** is for what nobody counts: device, chunk, quota and uuid tree, block group items of new
// chunks; and for work that frees space, which may take all but a part of it, in steps that each fit.
//
// When it does not fit, in this order: write back what is delalloc (its worst case becomes what it really is); commit
// (references run, pinned space comes back); a chunk is made when there is device space; work that frees space dips into
// the reserve; the rest is told ENOSPC. Times of access are not kept then.
#include <algorithm>

#include "core/alloc/chunk_allocator.h"
#include "core/alloc/space_allocator.h"

namespace butterfuse {
namespace {

using Of = TreePromises::Of;

constexpr uint64_t kMiB = uint64_t{1} << 20;
// Each copied block queues two references (the old one's, the new one's), and an item can be one of data.
constexpr uint64_t kRefsPerItem = 2 * kBlocksPerItem + 1;
constexpr uint64_t kLeavesPerRef = 3;
// Items of one reference, in leaves that are half full.
constexpr uint64_t kGrowthPerRef = 256;
// What the copy of a shared block adds to the extent tree, in halves of a block.
constexpr uint64_t kSharedGrowth = 3;
// Of a node pointer, the smallest thing that a block refers to something with.
constexpr uint64_t kPointerBytes = 33;
constexpr uint64_t kGrowthPerFollower = 128;
// Copied followers free blocks themselves, whose items fill about this part of the metadata; as do their nodes.
constexpr uint64_t kMetadataPerItsItems = 64;
// Freeing gets along with less of the global reserve, for the commit behind it gives back more: with a quarter, and that
// is no more than this or so many blocks.
constexpr uint64_t kFreeingReservePart = 4;
constexpr uint64_t kFreeingReserve = kMiB / 2;
constexpr uint64_t kFreeingReserveBlocks = 16;
constexpr uint64_t kLeastFreeingBlocks = 8;
constexpr uint64_t kReserveBlocks = 32;

}  // namespace

uint64_t SpaceAllocator::metadata_bytes_for_items(uint64_t items) const {
  return items * kBlocksPerItem * nodesize_;
}

uint64_t SpaceAllocator::global_reserve() const {
  const uint64_t least = std::max(kMiB, kReserveBlocks * nodesize_);
  return std::clamp(metadata_->counters().total / (metadata_->mixed() ? 32 : 16), least, 16 * kMiB);
}

// Of the follower trees, what these many references will copy, and what that adds to them.
uint64_t SpaceAllocator::follower_copies(uint64_t refs) const {
  if (refs == 0) return 0;
  const uint64_t scattered =
      refs * kLeavesPerRef * nodesize_ + metadata_->counters().used / kMetadataPerItsItems;
  return std::min(scattered, debt_.uncopied_followers());
}

uint64_t SpaceAllocator::metadata_need(const Whose& whose) const {
  const TreePromises::Need own = debt_.trees().need(whose.of, whose.root, whose.extra);
  const bool any_shared = debt_.trees().any_shared();
  const uint64_t queued = whose.of == Of::promises ? 0 : debt_.refs();
  const uint64_t own_refs = own.copies / (kBlocksPerItem * nodesize_) * kRefsPerItem;
  const uint64_t shared_refs = own.shared / kPointerBytes;
  uint64_t followers = follower_copies(queued + own_refs + shared_refs + own.dirty_roots);
  if (any_shared && whose.of == Of::everything) followers = debt_.uncopied_followers();
  uint64_t copies = own.copies + followers;
  if (!any_shared)  // then all trees together are no more than this
    copies = std::min(copies, metadata_->counters().used + metadata_->counters().reserved + own.growth);
  return copies + followers / nodesize_ * kGrowthPerFollower + (queued + own_refs) * kGrowthPerRef +
         own.shared / 2 * kSharedGrowth + global_reserve();
}

uint64_t SpaceAllocator::metadata_pool_need(const Whose& whose) const {
  return metadata_need(whose) + (metadata_->mixed() ? data_promised_ : 0);
}

uint64_t SpaceAllocator::need_while_freeing(uint64_t root, uint64_t bytes) const {
  const uint64_t reserve = global_reserve();
  const uint64_t kept =
      std::min(reserve / kFreeingReservePart, std::max(kFreeingReserve, kFreeingReserveBlocks * nodesize_));
  return metadata_pool_need({.root = root, .extra = bytes}) - reserve + kept;
}

// Promises stop where the whole reserve is left: half of it is for those who can't be refused.
bool SpaceAllocator::commit_fits(uint64_t root, uint64_t extra) const {
  MutexLock lock(mutex_);
  const uint64_t need = metadata_pool_need({.root = root, .extra = extra}) - global_reserve() / 2;
  return metadata_->counters().free() >= need || metadata_room() >= need;
}

uint64_t SpaceAllocator::commit_budget() const {
  MutexLock lock(mutex_);
  return metadata_need({.of = Of::commit});
}

uint64_t SpaceAllocator::pool_need(const SpacePool& pool, Of of) const {
  uint64_t need = 0;
  if (&pool == data_) need += data_promised_;
  if (&pool == metadata_) need += metadata_need({.of = of});
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
  while (data_->counters().free() < pool_need(*data_, Of::everything) ||
         data_->counters().free() - pool_need(*data_, Of::everything) < bytes) {
    if (grow(*data_)) continue;
    return make_error(ENOSPC, "no space for {} bytes of data: {} free, {} promised", bytes,
                      data_->counters().free(), data_promised_);
  }
  data_promised_ += bytes;
  return {};
}

Status SpaceAllocator::promise_metadata(uint64_t bytes, uint64_t root) {
  const uint64_t need = metadata_pool_need({.root = root, .extra = bytes});
  if (metadata_->counters().free() < need || metadata_is_tight()) {
    if (metadata_room() < need) {
      starving_ = metadata_;
      return make_error(ENOSPC, "no space for {} bytes of metadata: {} free, {} needed", bytes,
                        metadata_->counters().free(), need);
    }
    if (metadata_is_tight()) grow(*metadata_);
  }
  debt_.trees().promise(root, bytes);
  return {};
}

void SpaceAllocator::prepare_commit() {
  uint64_t need = 0;
  {
    MutexLock lock(mutex_);
    if (debt_.refs() + debt_.trees().inodes() + debt_.trees().promised() == 0) return;
    need = metadata_need();
  }
  load_metadata_groups(need);
}

Result<Reservation> SpaceAllocator::reserve(SpaceClass space, uint64_t bytes) {
  if (space != SpaceClass::data) return reserve_metadata(bytes, 0);
  MutexLock lock(mutex_);
  BF_TRY(promise_data(bytes));
  return make_reservation(space, bytes);
}

Result<Reservation> SpaceAllocator::reserve_metadata(uint64_t bytes, uint64_t root) {
  uint64_t need = 0;
  {
    MutexLock lock(mutex_);
    BF_TRY(promise_metadata(bytes, root));
    need = metadata_need();
  }
  Reservation reservation = make_reservation(SpaceClass::metadata, bytes, root);
  load_metadata_groups(need);
  return reservation;
}

Result<Reservation> SpaceAllocator::reserve_freeing(uint64_t bytes, uint64_t root) {
  uint64_t need = 0;
  {
    MutexLock lock(mutex_);
    if (metadata_is_tight()) grow(*metadata_);
    const uint64_t room = metadata_room();
    const uint64_t least = kLeastFreeingBlocks * nodesize_;
    if (const uint64_t least_need = need_while_freeing(root, least); room < least_need) {
      starving_ = metadata_;
      return make_error(ENOSPC, "no metadata space even to free space: {} left, {} needed", room, least_need);
    }
    while (bytes > least && need_while_freeing(root, bytes) > room) bytes = std::max(bytes / 2, least);
    debt_.trees().promise(root, bytes);
    need = metadata_need();
  }
  Reservation reservation = make_reservation(SpaceClass::metadata, bytes, root);
  load_metadata_groups(need);
  return reservation;
}

void SpaceAllocator::give_back(SpaceClass space, uint64_t root, uint64_t bytes) {
  MutexLock lock(mutex_);
  if (space == SpaceClass::data)
    data_promised_ -= bytes;
  else
    debt_.trees().give_back(root, bytes);
}

}  // namespace butterfuse
