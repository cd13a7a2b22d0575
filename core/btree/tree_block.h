// TreeBlock: one node or leaf in memory, and the cache that owns all of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/result.h"
#include "core/ondisk/leaf_view.h"
#include "core/volume/volume.h"

namespace butterfuse {

// Clean blocks are immutable and shared by readers and the commit's write-out. A dirty block belongs to the running
// transaction (header generation == transid) and is changed in place only under its tree's exclusive lock.
class TreeBlock {
 public:
  TreeBlock(uint64_t bytenr, uint32_t nodesize);
  uint64_t bytenr() const { return bytenr_; }
  ByteSpan bytes() const { return {data_.get(), nodesize_}; }
  MutableByteSpan mutable_bytes() { return {data_.get(), nodesize_}; }
  const DiskHeader& header() const { return header_of(bytes()); }
  DiskHeader& mutable_header() { return *reinterpret_cast<DiskHeader*>(data_.get()); }
  int level() const { return header().level; }
  uint64_t generation() const { return header().generation; }

 private:
  friend class TreeBlockCache;
  const uint64_t bytenr_;
  const uint32_t nodesize_;
  std::unique_ptr<std::byte[]> data_;
  bool dirty_ = false;                   // guarded by the cache's mutex
  std::atomic<uint64_t> last_used_{0};  // cache clock, for eviction
};
using TreeBlockRef = std::shared_ptr<TreeBlock>;

// What a parent pointer promises about the block it names; checked before use.
struct BlockExpectation {
  uint64_t generation = 0;  // 0: unknown
  int level = -1;           // -1: unknown
};

// Thread-safe. Clean unreferenced blocks are evicted beyond `budget_bytes`; dirty ones stay until written.
class TreeBlockCache {
 public:
  TreeBlockCache(Volume& volume, uint64_t budget_bytes);

  // From memory or disk (checked: see Volume::read_tree_block). `generation_limit`: the running transid.
  Result<TreeBlockRef> get(uint64_t bytenr, BlockExpectation expect);
  // A new zeroed dirty block at a freshly allocated bytenr. Replaces a stale clean block there.
  TreeBlockRef create(uint64_t bytenr);
  // The block's space is free again: forget it (dirty: never written). References keep their memory.
  void drop(uint64_t bytenr);

  // Takes all dirty blocks, by bytenr, and leaves them clean in the cache. The commit writes them; they are pinned in
  // the cache until `written` is called with the same list, so that a read can't reach the disk too early.
  std::vector<TreeBlockRef> take_dirty();
  void written(const std::vector<TreeBlockRef>& blocks);
  uint64_t dirty_bytes() const;
  void set_generation_limit(uint64_t generation) { generation_limit_ = generation; }

 private:
  Volume& volume_;
  const uint64_t budget_bytes_;
  std::atomic<uint64_t> generation_limit_{~uint64_t{0}};
  // Implementation: sharded maps; see tree_block_cache.cc.
  struct Shard;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<uint64_t> clock_{0};

 public:
  ~TreeBlockCache();
};

}  // namespace butterfuse
