// SpaceAllocator: the implementation of Allocator: block groups in pools, promises, pinned extents, chunks in
// the making.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "core/alloc/allocator.h"
#include "core/alloc/block_group.h"
#include "core/alloc/chunk_items.h"
#include "core/alloc/device_space.h"
#include "core/base/mutex.h"

namespace butterfuse {

// Lock order: tree locks, then mutex_, then the volume's chunk map. Nothing reads or changes a tree with
// mutex_ held, for a tree change allocates. Loading a block group takes the free space tree's (or extent
// tree's) shared lock, so it happens where the caller holds no tree lock: in reserve() and alloc_data(),
// never in alloc_tree_block().
//
// Invariants (mutex_ held):
//  - a pool's counters are the sums of its groups';
//  - promised data is free in block groups; promised metadata is, or unallocated device space is left that
//  can become it;
//  - the items of a group plus its delta are the complement of its extent items.
class SpaceAllocator final : public Allocator {
 public:
  SpaceAllocator(Volume& volume, const AllocatorTrees& trees, CommitDebt& debt);
  Status read_block_groups();

  Result<Reservation> reserve(SpaceClass space, uint64_t bytes) override;
  Result<Reservation> reserve_metadata(uint64_t bytes, uint64_t root) override;
  Result<Reservation> reserve_freeing(uint64_t bytes, uint64_t root) override;
  uint64_t metadata_bytes_for_items(uint64_t items) const override;
  Result<ByteRange> alloc_data(uint64_t bytes, uint64_t min_bytes, uint64_t hint) override;
  Result<uint64_t> alloc_tree_block(SpaceClass space, uint64_t hint) override;
  Status reserve_at(SpaceClass space, ByteRange range) override;
  void release_reserved(ByteRange range) override;
  Status note_extent_added(CowContext& context, ByteRange range) override;
  Status note_extent_removed(CowContext& context, ByteRange range) override;
  void release_unwritten_tree_block(uint64_t bytenr) override;
  Status insert_pending_block_groups(CowContext& context, DiskSuper& super) override;
  Status remove_empty_block_groups(CowContext& context, DiskSuper& super) override;
  Result<bool> write_block_group_items(CowContext& context) override;
  void begin_commit(uint64_t transid) override;
  void finish_commit(uint64_t transid) override;
  bool commit_fits(uint64_t root, uint64_t extra) const override;
  uint64_t commit_budget() const override;
  bool hear_that_commit_is_due() override;
  Result<bool> give_up_old_space_caches(CowContext& context, size_t at_most) override;
  bool has_old_space_caches() const override;
  void prepare_commit() override;
  bool commit_would_free(SpaceClass space, uint64_t bytes) const override;
  bool has_uncommitted_chunks() const override;
  SpaceNumbers numbers(SpaceClass space) const override;
  StatfsNumbers statfs() const override;
  uint64_t bytes_used() const override;
  uint64_t device_bytes_used() const override;
  void set_discard(bool on) override;
  Status rebuild_free_space_tree(CowContext& context, Tree& tree) override;
  uint64_t trim(ByteRange range, uint64_t min_bytes) override BF_EXCLUDES(mutex_);

 protected:
  void give_back(SpaceClass space, uint64_t root, uint64_t bytes) override;

 private:
  struct DyingChunk {  // its items are gone, its device space waits for the superblock of `transid`
    uint64_t transid;
    std::shared_ptr<const ChunkMapping> chunk;
  };

  // Whose need: what may come (promises and what the commit adds to them), the commit's alone, or the promises' alone
  // as they will be behind it; with a further promise of `extra` bytes for a tree.
  struct Whose {
    TreePromises::Of of = TreePromises::Of::everything;
    uint64_t root = 0, extra = 0;
  };

  // open_allocator.cc
  Status add_existing_group(std::shared_ptr<const ChunkMapping> chunk, uint64_t used) BF_REQUIRES(mutex_);
  Status check_chunk(const ChunkMapping& chunk) const;
  SpacePool& pool_for_type(uint64_t type) BF_REQUIRES(mutex_);
  SpacePool& pool_of(SpaceClass space) const BF_REQUIRES(mutex_);
  BlockGroup* group_at(uint64_t bytenr) const BF_REQUIRES(mutex_);
  BlockGroup* group_of(ByteRange range) const BF_REQUIRES(mutex_);  // null unless it contains the whole range

  // group_loading.cc
  // Both REQUIRE group.loading == loading, set by the caller. Where memory runs out the group is unloaded
  // again.
  void load_group(BlockGroup& group) BF_EXCLUDES(mutex_);
  void load_or_set_damaged(BlockGroup& group) BF_EXCLUDES(mutex_);
  Status try_load_group(BlockGroup& group) BF_EXCLUDES(mutex_);
  Status adopt_free_space(BlockGroup& group, std::unique_ptr<FreeSpace> space) BF_REQUIRES(mutex_);
  void load_metadata_groups(uint64_t bytes) BF_EXCLUDES(mutex_);
  void load_until(SpaceClass space, uint64_t bytes) BF_EXCLUDES(mutex_);

  // promises.cc
  uint64_t global_reserve() const BF_REQUIRES(mutex_);
  uint64_t follower_copies(uint64_t refs) const BF_REQUIRES(mutex_);
  uint64_t metadata_need(const Whose& whose) const BF_REQUIRES(mutex_);
  uint64_t metadata_need() const BF_REQUIRES(mutex_) { return metadata_need(Whose{}); }
  uint64_t metadata_pool_need(const Whose& whose) const
      BF_REQUIRES(mutex_);  // that, and data where it is mixed
  uint64_t need_while_freeing(uint64_t root, uint64_t bytes) const BF_REQUIRES(mutex_);
  uint64_t pool_need(const SpacePool& pool, TreePromises::Of of) const BF_REQUIRES(mutex_);
  uint64_t metadata_room() const BF_REQUIRES(mutex_);  // free in block groups, and what the device could add
  bool metadata_is_tight() const BF_REQUIRES(mutex_);
  Status promise_data(uint64_t bytes) BF_REQUIRES(mutex_);
  Status promise_metadata(uint64_t bytes, uint64_t root) BF_REQUIRES(mutex_);

  // new_chunk.cc
  bool grow(SpacePool& pool) BF_REQUIRES(mutex_);
  void note_lost_devices() BF_REQUIRES(mutex_);
  void grow_system() BF_REQUIRES(mutex_);
  uint64_t wanted_bytes(const SpacePool& pool) const BF_REQUIRES(mutex_);
  bool make_chunk(SpacePool& pool, uint64_t max_bytes) BF_REQUIRES(mutex_);
  bool leaves_room_for_metadata(const SpacePool& grown) const BF_REQUIRES(mutex_);
  bool sys_chunk_array_has_room(const ChunkMapping& chunk) const BF_REQUIRES(mutex_);
  void add_new_group(std::shared_ptr<const ChunkMapping> chunk) BF_REQUIRES(mutex_);

  // allocation.cc
  void take(ByteRange range) BF_REQUIRES(mutex_);
  ByteRange take_at_hint(uint64_t bytes, uint64_t hint) BF_REQUIRES(mutex_);
  bool none_loaded(SpaceClass space) const BF_EXCLUDES(mutex_);
  Status take_if_free(BlockGroup& group, ByteRange range) BF_REQUIRES(mutex_);
  Result<ByteRange> longest_data_run(uint64_t bytes, uint64_t min_bytes) BF_REQUIRES(mutex_);

  // extent_notes.cc
  bool aligned(ByteRange range) const;
  Status queue_free_space_change(BlockGroup& group, ByteRange range, bool free) BF_REQUIRES(mutex_);
  Status flush_if_many(CowContext& context) BF_EXCLUDES(mutex_);

  // pending_block_groups.cc, empty_block_groups.cc, block_group_commit.cc
  BlockGroup* next_pending_group() BF_REQUIRES(mutex_);
  Status insert_group_items(CowContext& context, DiskSuper& super, BlockGroup& group) BF_EXCLUDES(mutex_);
  std::vector<BlockGroup*> removable_groups(SpacePool& pool) BF_REQUIRES(mutex_);
  bool is_empty_group(const BlockGroup& group) const BF_REQUIRES(mutex_);
  void forget_group(BlockGroup& group, uint64_t transid) BF_REQUIRES(mutex_);
  Status remove_group_items(CowContext& context, DiskSuper& super, const ChunkMapping& chunk,
                            const DeviceBytes& device_bytes);
  Status flush_free_space(CowContext& context, bool* changed) BF_EXCLUDES(mutex_);
  Status write_used(CowContext& context, bool* changed) BF_EXCLUDES(mutex_);
  Status give_up_changed_caches(CowContext& context, bool* changed) BF_EXCLUDES(mutex_);
  Status give_up_caches_of(CowContext& context, const std::vector<uint64_t>& groups) BF_EXCLUDES(mutex_);

  // pinned_extents.cc
  std::vector<ByteRange> ranges_to_discard(uint64_t transid) const BF_REQUIRES(mutex_);
  void unpin(ByteRange range) BF_REQUIRES(mutex_);
  void bury_chunk(const ChunkMapping& chunk) BF_REQUIRES(mutex_);
  uint64_t device_bytes_of_empty_groups(const SpacePool& except) const BF_REQUIRES(mutex_);

  // trim.cc
  std::vector<uint64_t> group_starts() const BF_EXCLUDES(mutex_);
  struct HeldHole {
    ByteRange range;    // empty: there is none
    bool held = false;  // out of reach until given back; else it must stay where it is
  };
  uint64_t piece_to_trim(const SpacePool& pool) const BF_REQUIRES(mutex_);
  HeldHole hold_hole_to_trim(uint64_t devid, uint64_t from) BF_EXCLUDES(mutex_);
  ByteRange take_run_to_trim(uint64_t group_start, ByteRange range, uint64_t min_bytes) BF_EXCLUDES(mutex_);
  uint64_t trim_holes(const MemberDevice& member, uint64_t min_bytes) BF_EXCLUDES(mutex_);
  uint64_t trim_group(uint64_t group_start, ByteRange range, uint64_t min_bytes) BF_EXCLUDES(mutex_);

  Volume& volume_;
  // Set while opening. free_space is null also where the tree is there but not valid.
  AllocatorTrees trees_;
  CommitDebt& debt_;
  const uint32_t sectorsize_, nodesize_;
  bool keep_old_groups_ = false;  // v1 space cache: its inodes are tied to the groups

  mutable Mutex mutex_;
  CondVar group_loaded_;
  std::atomic<int> failed_scans_{0};  // tries to scan the extent tree since one succeeded
  std::map<uint64_t, std::unique_ptr<BlockGroup>> groups_ BF_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<SpacePool>> pools_ BF_GUARDED_BY(mutex_);
  SpacePool* data_ BF_GUARDED_BY(mutex_) = nullptr;  // the same pool as metadata_ where groups are mixed
  SpacePool* metadata_ BF_GUARDED_BY(mutex_) = nullptr;
  SpacePool* system_ BF_GUARDED_BY(mutex_) = nullptr;
  uint64_t data_cursor_ BF_GUARDED_BY(mutex_) = 0;  // where the next search begins
  uint64_t metadata_cursor_ BF_GUARDED_BY(mutex_) = 0;
  uint64_t system_cursor_ BF_GUARDED_BY(mutex_) = 0;
  uint64_t data_promised_ BF_GUARDED_BY(mutex_) = 0;
  uint64_t data_taken_ BF_GUARDED_BY(mutex_) = 0;       // since the last begin_commit
  bool due_commit_told_ BF_GUARDED_BY(mutex_) = false;  // since then
  DeviceSpace device_space_ BF_GUARDED_BY(mutex_);
  DeviceBytes device_bytes_inserted_ BF_GUARDED_BY(mutex_);  // of chunks whose items are in the trees
  uint64_t next_logical_ BF_GUARDED_BY(mutex_) = 0;  // only grows: addresses of removed chunks are not reused
  SpacePool* starving_ BF_GUARDED_BY(mutex_) = nullptr;  // found no device space since the last removal
  std::map<uint64_t, std::vector<ByteRange>> pinned_ BF_GUARDED_BY(mutex_);  // by transid
  std::vector<DyingChunk> dying_chunks_ BF_GUARDED_BY(mutex_);
  std::set<uint64_t> dirty_groups_ BF_GUARDED_BY(mutex_);  // used or delta differ from the trees
  std::set<uint64_t> old_space_caches_ BF_GUARDED_BY(mutex_);  // block groups whose cache may be believed
  size_t queued_changes_ BF_GUARDED_BY(mutex_) = 0;        // since the last flush
  bool discard_ BF_GUARDED_BY(mutex_) = false;
};

}  // namespace butterfuse
