// SPDX-License-Identifier: GPL-2.0-or-later
// SpaceAllocator: opening, promises and commits: each locks, and leaves it to the part that it is of.
#include "core/alloc/space_allocator.h"

#include <algorithm>
#include <limits>

namespace butterfuse {
namespace {

bool has_v1_space_cache(const DiskSuper& super) {
  const uint64_t generation = super.cache_generation;
  return generation != 0 && generation != std::numeric_limits<uint64_t>::max();
}

}  // namespace

Result<std::unique_ptr<Allocator>> Allocator::open(Volume& volume, const AllocatorTrees& trees,
                                                   CommitDebt& debt) {
  auto allocator = std::make_unique<SpaceAllocator>(volume, trees, debt);
  BF_TRY(allocator->read());
  return std::unique_ptr<Allocator>(std::move(allocator));
}

Status SpaceAllocator::read() {
  if (state_.trees.free_space == nullptr && has_v1_space_cache(state_.volume.super()))
    items_.keep_empty_groups();
  BF_TRY(items_.find_old_caches(state_));
  return read_block_groups(state_);
}

// ---- promises ----

uint64_t SpaceAllocator::metadata_bytes_for_items(uint64_t items) const {
  return items * kBlocksPerItem * state_.nodesize;
}

Result<Reservation> SpaceAllocator::reserve(SpaceClass space, uint64_t bytes) {
  if (space != SpaceClass::data) return reserve_metadata(bytes, 0);
  MutexLock lock(state_.mutex);
  BF_TRY(state_.admission.admit_data(bytes));
  return make_reservation(space, bytes);
}

Result<Reservation> SpaceAllocator::reserve_metadata(uint64_t bytes, uint64_t root) {
  uint64_t need = 0;
  {
    MutexLock lock(state_.mutex);
    BF_TRY(state_.admission.admit_metadata(bytes, root));
    need = state_.promises.metadata_need();
  }
  Reservation reservation = make_reservation(SpaceClass::metadata, bytes, root);
  loader_.load_for_tree_blocks(state_, need);
  return reservation;
}

Result<Reservation> SpaceAllocator::reserve_freeing(uint64_t bytes, uint64_t root) {
  uint64_t admitted = 0, need = 0;
  {
    MutexLock lock(state_.mutex);
    BF_ASSIGN(admitted, state_.admission.admit_freeing(bytes, root));
    need = state_.promises.metadata_need();
  }
  Reservation reservation = make_reservation(SpaceClass::metadata, admitted, root);
  loader_.load_for_tree_blocks(state_, need);
  return reservation;
}

void SpaceAllocator::give_back(SpaceClass space, uint64_t root, uint64_t bytes) {
  MutexLock lock(state_.mutex);
  state_.promises.give_back(space, root, bytes);
}

// ---- commit ----

void SpaceAllocator::prepare_commit() {
  uint64_t need = 0;
  {
    MutexLock lock(state_.mutex);
    const TreePromises& trees = state_.debt.trees();
    if (state_.debt.refs() + trees.inodes() + trees.promised() == 0) return;
    need = state_.promises.metadata_need();
  }
  loader_.load_for_tree_blocks(state_, need);
}

Status SpaceAllocator::insert_pending_block_groups(CowContext& context, DiskSuper& super) {
  return items_.insert_pending(state_, context, super);
}

Status SpaceAllocator::remove_empty_block_groups(CowContext& context, DiskSuper& super) {
  return items_.remove_empty(state_, context, super);
}

Result<bool> SpaceAllocator::write_block_group_items(CowContext& context) {
  return items_.write_changed(state_, context);
}

// Pins carry their transid, so that none has to move here.
void SpaceAllocator::begin_commit(uint64_t) {
  MutexLock lock(state_.mutex);
  state_.gain.begin_commit();
  state_.chunks.note_lost_devices();
}

void SpaceAllocator::finish_commit(uint64_t transid) {
  std::vector<ByteRange> to_discard;
  {
    MutexLock lock(state_.mutex);
    if (discard_) to_discard = state_.pins.ranges_until(transid);
  }
  // Still pinned while it is discarded: nobody writes there meanwhile.
  for (const ByteRange& range : to_discard) state_.volume.discard(range.start, range.length());
  MutexLock lock(state_.mutex);
  for (const auto& chunk : state_.pins.release(transid)) state_.chunks.bury(*chunk);
}

bool SpaceAllocator::commit_fits(uint64_t root, uint64_t extra) const {
  MutexLock lock(state_.mutex);
  return state_.promises.commit_fits(root, extra);
}

uint64_t SpaceAllocator::commit_budget() const {
  MutexLock lock(state_.mutex);
  return state_.promises.commit_budget();
}

bool SpaceAllocator::hear_that_commit_is_due() {
  MutexLock lock(state_.mutex);
  return state_.gain.hear_that_commit_is_due();
}

bool SpaceAllocator::commit_would_free(SpaceClass space, uint64_t bytes) const {
  MutexLock lock(state_.mutex);
  return state_.gain.would_make_room(state_.groups.pool_of(space), bytes);
}

Result<bool> SpaceAllocator::give_up_old_space_caches(CowContext& context, size_t at_most) {
  if (!has_old_space_caches()) return false;
  BF_TRY(items_.old_caches().give_up_some(context, *state_.trees.root, at_most));
  return has_old_space_caches();
}

bool SpaceAllocator::has_old_space_caches() const { return items_.old_caches().any(); }

// ---- all of the space ----

void SpaceAllocator::set_discard(bool on) {
  MutexLock lock(state_.mutex);
  discard_ = on;
}

uint64_t SpaceAllocator::trim(ByteRange range, uint64_t min_bytes) {
  return trimmer_.trim(state_, range, min_bytes);
}

}  // namespace butterfuse
