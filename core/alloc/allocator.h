// SPDX-License-Identifier: GPL-2.0-or-later
// Allocator: who owns which byte of the logical space: block groups, free space, promises, chunks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/alloc/commit_debt.h"
#include "core/base/byte_range.h"
#include "core/base/result.h"
#include "core/btree/cursor.h"
#include "core/btree/tree.h"
#include "core/volume/volume.h"

namespace butterfuse {

enum class SpaceClass { data, metadata, system };  // mixed block groups serve data and metadata

struct SpaceNumbers {     // of one class, bytes of logical space
  uint64_t total = 0;     // in block groups
  uint64_t used = 0;      // by extents of the running transaction
  uint64_t pinned = 0;    // freed, but still reachable from the last commit
  uint64_t reserved = 0;  // allocated in memory, no extent item yet
  uint64_t may_use = 0;   // promised to writers
  uint64_t unusable = 0;  // superblock mirrors; what is free in read-only and damaged groups
};
// Bytes; as btrfs_statfs computes them: raw bytes divided by the data profile's copies.
struct StatfsNumbers {
  uint64_t total = 0, free = 0, available = 0;
};

// The trees the allocator reads and writes. block_group: the block group tree, or the extent tree where that
// feature is off. free_space: null where the image has none (free space is then found from the extent tree).
struct AllocatorTrees {
  Tree* extent = nullptr;
  Tree* block_group = nullptr;
  Tree* free_space = nullptr;
  Tree* chunk = nullptr;
  Tree* device = nullptr;
  Tree* root = nullptr;  // for the caches of old_space_caches.h; null: they stay as they are (reading only)
};

// A promise of space, returned by its destructor. Move-only. Exactly-once by construction. reservation.cc
// follows one through its life.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation();
  uint64_t bytes() const { return bytes_; }
  void release(uint64_t bytes);       // gives part back; REQUIRES bytes <= bytes()
  Reservation split(uint64_t bytes);  // a part as its own value
  void merge(Reservation&& other);    // same class, same tree
 private:
  friend class Allocator;
  class Allocator* owner_ = nullptr;
  SpaceClass space_ = SpaceClass::data;
  uint64_t root_ = 0;  // metadata: of which tree
  uint64_t bytes_ = 0;
};

// Thread-safe. One internal mutex, never held over I/O: while the free space of a block group is loaded, a
// flag of the group keeps others from loading it too. All sizes are bytes, all addresses logical.
class Allocator {
 public:
  // Reads the block group items, and which old space caches there are; free space is loaded when a group is
  // first used. EUCLEAN when a chunk has no block group item or, where block groups have a tree of their own,
  // the reverse. `debt` outlives the allocator.
  static Result<std::unique_ptr<Allocator>> open(Volume& volume, const AllocatorTrees& trees,
                                                 CommitDebt& debt);
  virtual ~Allocator() = default;

  // ---- promises ----
  // ENOSPC when the space, plus what unallocated device space could become, does not hold all promises.
  // Pinned space does not count as free: the caller may commit and try again. Metadata by this one is for
  // trees that nobody can name: see reserve_metadata.
  virtual Result<Reservation> reserve(SpaceClass space, uint64_t bytes) = 0;
  // Metadata for changes of the tree `root`. Such promises are worst cases that share their copies-on-write
  // (a tree copies a block once a transaction), so they are held against what the trees could really need:
  // promises.cc has the bound. Loads free space: hold no tree lock.
  virtual Result<Reservation> reserve_metadata(uint64_t bytes, [[maybe_unused]] uint64_t root) {
    return reserve(SpaceClass::metadata, bytes);
  }
  // For work that frees space: may dip into the global reserve, and promises less rather than fail.
  virtual Result<Reservation> reserve_freeing(uint64_t bytes, uint64_t root) {
    return reserve_metadata(bytes, root);
  }
  // The metadata to promise for changing `items` items: promises.cc says what one costs at the worst.
  virtual uint64_t metadata_bytes_for_items(uint64_t items) const = 0;

  // ---- allocation ----
  // A run of data space of `bytes`, or, when no such run is free, the longest one of at least min_bytes (both
  // multiples of sectors). At `hint` when it is not 0 and the space there is free. The space is `reserved`
  // until note_extent_added or release_reserved. The caller holds a Reservation that covers it and gives it
  // back afterwards. Makes a new chunk in memory when needed. ENOSPC.
  virtual Result<ByteRange> alloc_data(uint64_t bytes, uint64_t min_bytes, uint64_t hint) = 0;
  // One nodesize block. `system`: for the chunk tree. May use the global reserve.
  virtual Result<uint64_t> alloc_tree_block(SpaceClass space) = 0;
  // Takes exactly this range, which a log tree made before this mount uses without extent items: `reserved`,
  // as alloc_* leaves it. Loads free space: hold no tree lock. EUCLEAN when a part is not free, or its block
  // group is not of this class.
  virtual Status reserve_at(SpaceClass space, ByteRange range) = 0;
  // Undo of alloc_*: never written, or not reachable from any commit; free at once.
  virtual void release_reserved(ByteRange range) = 0;

  // ---- extents that came and went; called while delayed refs run ----
  // An extent item was inserted: moves reserved -> used, and takes the range out of the free space tree.
  // Changes of that tree are queued, so that an extent that comes and goes costs nothing:
  // write_block_group_items writes them.
  virtual Status note_extent_added(CowContext& context, ByteRange range) = 0;
  // An extent item was removed: used -> pinned until finish_commit(context.transid()), and free in the tree.
  virtual Status note_extent_removed(CowContext& context, ByteRange range) = 0;
  // A tree block born and freed in the same transaction whose extent item was never inserted.
  virtual void release_unwritten_tree_block(uint64_t bytenr) = 0;

  // ---- commit ----
  // Inserts the items of chunks and block groups made in memory since the last call (chunk item, device
  // extents, device item, block group item, free space info; for system chunks also the entry in `super`'s
  // sys_chunk_array). Call it again whenever write_block_group_items returned true, for its allocations may
  // have made more.
  virtual Status insert_pending_block_groups(CowContext& context, DiskSuper& super) = 0;
  // Removes block groups that no extent uses, but keeps at least one of each kind, and what promises
  // need. Their device space is reusable after finish_commit(context.transid()). Pinned space is no
  // obstacle, so a call after the delayed refs ran finds the groups that this transaction emptied. May be
  // called more than once.
  virtual Status remove_empty_block_groups(CowContext& context, DiskSuper& super) = 0;
  // Writes the queued changes of the free space tree, and `used` of changed block groups to their items. True
  // when anything was changed, or waits for insert_pending_block_groups: run the delayed refs that this made
  // and call both again, until it returns false; only then do all these trees agree.
  virtual Result<bool> write_block_group_items(CowContext& context) = 0;
  // The running transaction is closed: what is pinned from here on belongs to the next one. Called with joins
  // blocked. (Pins are kept by context.transid(), so the exact moment does not matter to them.)
  virtual void begin_commit(uint64_t transid) = 0;
  // The superblock of `transid` is on disk: its pinned space is free now (and discarded if asked).
  virtual void finish_commit(uint64_t transid) = 0;
  // There is space for the commit, with all that is promised, all that CommitDebt counts and `extra` bytes of
  // new debt in the tree `root`. Who adds to the debt without a promise looks first.
  virtual bool commit_fits([[maybe_unused]] uint64_t root = 0, [[maybe_unused]] uint64_t extra = 0) const {
    return true;
  }
  // How many bytes of tree blocks a commit that begins here may make at most. REQUIRES that no handle lives.
  virtual uint64_t commit_budget() const { return UINT64_MAX; }
  // Loads the block groups that the commit will need, which it can't do itself. Hold no tree lock.
  virtual void prepare_commit() {}
  // More data space was taken since the last commit than there is left. What those writes replaced comes back
  // with a commit: one that nobody waits for spares the writers who would run out. True once, until
  // begin_commit: who hears of it asks for the commit.
  virtual bool hear_that_commit_is_due() { return false; }
  // Gives up old space caches (old_space_caches.h), at most so many; false when there are no more. Those of
  // block groups that change are given up by write_block_group_items in any case.
  virtual Result<bool> give_up_old_space_caches(CowContext& context, size_t at_most) {
    (void)context, (void)at_most;
    return false;
  }
  virtual bool has_old_space_caches() const { return false; }
  // Space is short and a commit would help: pinned space, or block groups it would remove.
  virtual bool commit_would_free(SpaceClass space, uint64_t bytes) const = 0;

  // ---- facts ----
  // A chunk was made since the last commit: what lies there can't be reached before the next one.
  virtual bool has_uncommitted_chunks() const { return false; }
  virtual SpaceNumbers numbers(SpaceClass space) const = 0;
  virtual StatfsNumbers statfs() const = 0;
  virtual uint64_t bytes_used() const = 0;         // of the superblock: all extents
  virtual uint64_t device_bytes_used() const = 0;  // dev_item.bytes_used: of the chunks that have their items
  virtual void set_discard(bool on) = 0;
  // Writes the tree anew from the extent tree, and keeps it from then on. For an allocator that was opened
  // without one. REQUIRES that nobody else uses it yet and that no references are queued. On an error the
  // transaction must be aborted.
  virtual Status rebuild_free_space_tree(CowContext& context, Tree& tree) = 0;
  // Discards the free runs of at least `min_bytes` in the logical range (fstrim), and what belongs to no
  // chunk when the range goes to the end of the devices. Returns how many bytes. Takes long: hold no lock.
  virtual uint64_t trim(ByteRange range, uint64_t min_bytes) = 0;

 protected:
  friend class Reservation;
  Reservation make_reservation(SpaceClass space, uint64_t bytes, uint64_t root = 0);
  virtual void give_back(SpaceClass space, uint64_t root, uint64_t bytes) = 0;
};

}  // namespace butterfuse
