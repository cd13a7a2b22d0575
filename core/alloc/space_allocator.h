// SPDX-License-Identifier: GPL-2.0-or-later
// SpaceAllocator: implements Allocator, composed of what it knows and of those who work on it.
#pragma once

#include "core/alloc/allocator.h"
#include "core/alloc/allocator_state.h"
#include "core/alloc/group_items.h"
#include "core/alloc/group_loader.h"
#include "core/alloc/trimmer.h"

namespace butterfuse {

// Each call takes the mutex of the state, leaves it to the part that it is of, and lets go. What loads,
// changes trees or discards is handed the state instead.
//
// Loading a block group takes the free space tree's (or extent tree's) shared lock, so it happens where the
// caller holds no tree lock: in reserve() and its kin, alloc_data(), reserve_at(), prepare_commit() and
// trim(). alloc_tree_block() loads only as long as nothing is loaded at all.
class SpaceAllocator final : public Allocator {
 public:
  SpaceAllocator(Volume& volume, const AllocatorTrees& trees, CommitDebt& debt)
      : state_(volume, trees, debt) {}
  Status read() BF_EXCLUDES(state_.mutex);

  // ---- promises ----
  Result<Reservation> reserve(SpaceClass space, uint64_t bytes) override;
  Result<Reservation> reserve_metadata(uint64_t bytes, uint64_t root) override;
  Result<Reservation> reserve_freeing(uint64_t bytes, uint64_t root) override;
  uint64_t metadata_bytes_for_items(uint64_t items) const override;

  // ---- allocation (allocation.cc) ----
  Result<ByteRange> alloc_data(uint64_t bytes, uint64_t min_bytes, uint64_t hint) override;
  Result<uint64_t> alloc_tree_block(SpaceClass space) override;
  Status reserve_at(SpaceClass space, ByteRange range) override;
  void release_reserved(ByteRange range) override;

  // ---- extents that came and went (extent_notes.cc) ----
  Status note_extent_added(CowContext& context, ByteRange range) override;
  Status note_extent_removed(CowContext& context, ByteRange range) override;
  void release_unwritten_tree_block(uint64_t bytenr) override;

  // ---- commit ----
  Status insert_pending_block_groups(CowContext& context, DiskSuper& super) override;
  Status remove_empty_block_groups(CowContext& context, DiskSuper& super) override;
  Result<bool> write_block_group_items(CowContext& context) override;
  void begin_commit(uint64_t transid) override;
  void finish_commit(uint64_t transid) override;
  bool commit_fits(uint64_t root, uint64_t extra) const override;
  uint64_t commit_budget() const override;
  void prepare_commit() override;
  bool hear_that_commit_is_due() override;
  Result<bool> give_up_old_space_caches(CowContext& context, size_t at_most) override;
  bool has_old_space_caches() const override;
  bool commit_would_free(SpaceClass space, uint64_t bytes) const override;

  // ---- facts (statfs.cc), and work on all of the space ----
  bool has_uncommitted_chunks() const override;
  SpaceNumbers numbers(SpaceClass space) const override;
  StatfsNumbers statfs() const override;
  uint64_t bytes_used() const override;
  uint64_t device_bytes_used() const override;
  void set_discard(bool on) override;
  Status rebuild_free_space_tree(CowContext& context, Tree& tree) override;
  uint64_t trim(ByteRange range, uint64_t min_bytes) override;

 protected:
  void give_back(SpaceClass space, uint64_t root, uint64_t bytes) override;

 private:
  bool aligned(ByteRange range) const;
  bool none_loaded(SpaceClass space) const BF_EXCLUDES(state_.mutex);
  tl::unexpected<Error> no_tree_block(const SpacePool& pool) const BF_REQUIRES(state_.mutex);
  Result<ByteRange> take_longest_data(uint64_t bytes, uint64_t min_bytes) BF_REQUIRES(state_.mutex);
  Status take_if_free(const BlockGroup& group, ByteRange range) BF_REQUIRES(state_.mutex);
  Status record_change(BlockGroup& group, ByteRange range, bool free) BF_REQUIRES(state_.mutex);
  Status write_if_many(CowContext& context) BF_EXCLUDES(state_.mutex);

  AllocatorState state_;
  GroupLoader loader_;
  GroupItems items_;
  Trimmer trimmer_{loader_};
  bool discard_ BF_GUARDED_BY(state_.mutex) = false;  // what a commit frees
};

}  // namespace butterfuse
