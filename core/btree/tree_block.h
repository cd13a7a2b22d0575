// SPDX-License-Identifier: GPL-2.0-or-later
// TreeBlock: one node or leaf in memory, and the cache that owns all of them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/result.h"
#include "core/btree/tree_block_source.h"
#include "core/ondisk/leaf_view.h"
#include "core/volume/volume.h"

namespace butterfuse {

// Clean blocks are immutable, and shared by readers and the commit's write-out, with one exception: a
// write-out may fill in the header's csum, which nobody else looks at (write_tree_blocks does it in copies).
// A dirty block belongs to the running transaction (header generation == transid) and is changed in place
// only under its tree's exclusive lock.
class TreeBlock {
 public:
  static constexpr uint32_t kNoSlot = ~uint32_t{0};

  TreeBlock(uint64_t bytenr, uint32_t nodesize);  // content is not initialised
  uint64_t bytenr() const { return bytenr_; }
  ByteSpan bytes() const { return {data_.get(), nodesize_}; }
  MutableByteSpan mutable_bytes() { return {data_.get(), nodesize_}; }
  const DiskHeader& header() const { return header_of(bytes()); }
  DiskHeader& mutable_header() { return *reinterpret_cast<DiskHeader*>(data_.get()); }
  int level() const { return header().level; }
  uint64_t generation() const { return header().generation; }
  uint32_t count() const { return header().nritems; }
  ByteSpan first_key_bytes() const { return bytes().subspan(sizeof(DiskHeader), sizeof(DiskKey)); }

  // Slot behind the last insertion: one there is taken for part of a sequence.
  // Only under the exclusive tree lock.
  uint32_t next_insert_slot() const { return next_insert_slot_; }
  void set_next_insert_slot(uint32_t slot) { next_insert_slot_ = slot; }

 private:
  friend class TreeBlockCache;
  const uint64_t bytenr_;
  const uint32_t nodesize_;
  uint32_t next_insert_slot_ = kNoSlot;
  std::unique_ptr<std::byte[]> data_;
  // Guarded by the mutex of the cache's shard:
  bool dirty_ = false;
  bool writing_ = false;           // taken by take_dirty, not yet on disk
  bool referenced_ = false;        // used since the clock's hand passed
  uint32_t clock_slot_ = kNoSlot;  // place on the shard's clock; only evictable blocks are there
};
using TreeBlockRef = std::shared_ptr<TreeBlock>;

// What a parent pointer promises about the block it names; checked before use.
struct BlockExpectation {
  uint64_t generation = 0;  // 0: unknown
  int level = -1;           // -1: unknown
};

// Thread-safe. Clean unreferenced blocks are evicted beyond `budget_bytes`; dirty ones stay until written.
// The budget is one of all shards together. It may be passed where references or dirty blocks leave nothing
// to evict.
class TreeBlockCache {
 public:
  TreeBlockCache(Volume& volume, uint64_t budget_bytes);
  TreeBlockCache(std::unique_ptr<TreeBlockSource> source, uint64_t budget_bytes);
  ~TreeBlockCache();
  TreeBlockCache(const TreeBlockCache&) = delete;

  uint32_t nodesize() const { return nodesize_; }
  TreeBlockSource& source() { return *source_; }

  // From memory or disk (checked: see Volume::read_tree_block).
  // Concurrent calls for one missing block read it once.
  Result<TreeBlockRef> get(uint64_t bytenr, BlockExpectation expect);
  // From memory or null; never reads.
  TreeBlockRef peek(uint64_t bytenr);
  // A new zeroed dirty block at a freshly allocated bytenr. Replaces a stale clean block there.
  TreeBlockRef create(uint64_t bytenr);
  // The same with the content of `original`, csum left out.
  TreeBlockRef create_copy(uint64_t bytenr, const TreeBlock& original);
  // True when the running transaction has a block there: its space can't have been free.
  bool is_dirty(uint64_t bytenr);
  // The block's space is free again: forget it (dirty: never written). References keep their memory. Call it
  // before the space can be allocated anew.
  void drop(uint64_t bytenr);

  // Takes all dirty blocks, by bytenr, and leaves them clean in the cache, marked kWritten and with unused
  // bytes zero. The commit checksums and writes them; they are pinned in the cache until `written` is called
  // with the same list, so that a read can't reach the disk too early. REQUIRES that no tree change runs.
  std::vector<TreeBlockRef> take_dirty();
  void written(const std::vector<TreeBlockRef>& blocks);
  uint64_t dirty_bytes() const { return dirty_bytes_; }
  uint64_t cached_bytes() const { return cached_bytes_; }
  // No block read from disk may be younger: the running transid.
  void set_generation_limit(uint64_t generation) { generation_limit_ = generation; }
  // The running transaction, whose blocks may be read again once they were written.
  void set_running(uint64_t transid) {
    generation_limit_ = transid;
    running_ = transid;
  }

 private:
  struct Shard;
  // More than threads that look up at once, mostly; each is a mutex and a map.
  static constexpr size_t kShards = 16;
  Shard& shard_of(uint64_t bytenr) const;
  TreeBlockRef insert_dirty(TreeBlockRef block);
  void forget(Shard& shard, uint64_t bytenr);
  void evict_beyond_budget(Shard& shard);
  Result<TreeBlockRef> read_missing(Shard& shard, uint64_t bytenr, uint64_t read_id, BlockExpectation expect);
  Result<TreeBlockRef> read_and_keep(Shard& shard, uint64_t bytenr, uint64_t read_id,
                                     BlockExpectation expect);

  const std::unique_ptr<TreeBlockSource> source_;
  const uint32_t nodesize_;
  const uint64_t budget_bytes_;
  std::atomic<uint64_t> generation_limit_{~uint64_t{0}};
  std::atomic<uint64_t> running_{~uint64_t{0}};
  std::atomic<uint64_t> dirty_bytes_{0};
  std::atomic<uint64_t> cached_bytes_{0};
  std::array<std::unique_ptr<Shard>, kShards> shards_;
};

}  // namespace butterfuse
