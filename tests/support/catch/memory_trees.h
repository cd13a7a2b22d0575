// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryTrees: a world for tests of trees: blocks in memory, and a CowContext that counts every reference.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "core/base/mutex.h"
#include "core/btree/cursor.h"

namespace butterfuse::test {

// The "disk": whole tree blocks by bytenr. Reads check what Volume::read_tree_block does, save checksums.
class MemoryBlockSource final : public TreeBlockSource {
 public:
  explicit MemoryBlockSource(uint32_t nodesize) : nodesize_(nodesize) {}
  uint32_t nodesize() const override { return nodesize_; }
  Uuid metadata_fsid() const override;
  Uuid chunk_tree_uuid() const override;
  Status read(uint64_t bytenr, MutableByteSpan into, uint64_t expected_generation, int expected_level,
              uint64_t generation_limit) override;
  void write(uint64_t bytenr, ByteSpan block);
  uint64_t reads() const { return reads_; }
  void have_no_memory_for_next_read() { no_memory_ = true; }

 private:
  const uint32_t nodesize_;
  Mutex mutex_;
  std::unordered_map<uint64_t, std::vector<std::byte>> blocks_ BF_GUARDED_BY(mutex_);
  std::atomic<uint64_t> reads_{0};
  std::atomic<bool> no_memory_{false};
};

// Counts references the moment they change; any count below zero, and any use of free space, fails the test.
class CountingContext final : public CowContext {
 public:
  using RefKey = std::tuple<uint64_t, uint64_t, uint64_t, uint64_t>;  // parent, root, objectid, offset
  using RefCounts = std::map<RefKey, int64_t>;
  struct BlockRecord {
    int level = 0;
    uint64_t flags = 0;
    RefCounts refs;
    friend bool operator==(const BlockRecord&, const BlockRecord&) = default;
  };

  explicit CountingContext(uint32_t nodesize) : nodesize_(nodesize) {}
  uint64_t transid() const override { return transid_; }
  Result<uint64_t> alloc_tree_block(uint64_t root, uint64_t parent, int level, const Key& first_key) override;
  Result<BlockRefs> lookup_tree_refs(uint64_t bytenr, int level) override;
  Status set_full_backref(uint64_t bytenr, int level) override;
  Status add_tree_ref(const TreeRef& ref) override;
  Status drop_tree_ref(const TreeRef& ref) override;
  Status add_data_ref(const DataRef& ref) override;
  Status drop_data_ref(const DataRef& ref) override;
  Status free_tree_block(const TreeRef& ref, uint64_t block_generation) override;

  void next_transaction();  // space freed so far may be used again
  const std::map<uint64_t, BlockRecord>& blocks() const { return blocks_; }
  const std::map<uint64_t, RefCounts>& data_extents() const { return data_extents_; }

 private:
  const uint32_t nodesize_;
  uint64_t transid_ = 10;
  uint64_t next_bytenr_ = 1 << 20;
  std::vector<uint64_t> free_;
  std::vector<uint64_t> pinned_;
  std::map<uint64_t, BlockRecord> blocks_;
  std::map<uint64_t, RefCounts> data_extents_;
};

// Trees over one cache and one context. Methods fail the running test on any error.
class MemoryTrees {
 public:
  explicit MemoryTrees(uint32_t nodesize, uint64_t cache_bytes = 64u << 20);
  ~MemoryTrees();

  CountingContext& context() { return context_; }
  TreeBlockCache& cache() { return *cache_; }
  MemoryBlockSource& source() { return *source_; }
  Tree& create(uint64_t root_id);
  Tree& snapshot(Tree& tree, uint64_t new_root_id);
  // Writes all dirty blocks and starts the next transaction.
  void commit();
  // Commits and forgets everything in memory. References to trees and the cache become invalid; see tree().
  void reopen();
  Tree& tree(uint64_t root_id) { return *trees_.at(root_id); }

  // Walks all trees: shape, order, parents' keys, packing, and that every reference counted is one that a
  // block makes, and the reverse.
  void check();

 private:
  const uint64_t cache_bytes_;
  std::shared_ptr<MemoryBlockSource> source_;
  std::unique_ptr<TreeBlockCache> cache_;
  CountingContext context_;
  std::map<uint64_t, std::unique_ptr<Tree>> trees_;
};

}  // namespace butterfuse::test
