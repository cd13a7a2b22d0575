// SPDX-License-Identifier: GPL-2.0-or-later
// BlockGroupTable: all block groups by address, and the pools they serve in.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/alloc/allocator.h"
#include "core/alloc/block_group.h"

namespace butterfuse {

// Owns groups and pools. A group stays where it is in memory until it is removed; pools stay for good. Which
// pool serves data may be the one that serves metadata: compare their addresses.
//
// Under the mutex of AllocatorState. Invariant: a pool's counters are the sums of its groups'.
class BlockGroupTable {
 public:
  using Groups = std::map<uint64_t, std::unique_ptr<BlockGroup>>;

  // Once, before any group is added. `mixed`: one pool for data and metadata.
  void make_pools(bool mixed);
  SpacePool& data() const { return *data_; }
  SpacePool& metadata() const { return *metadata_; }
  SpacePool& system() const { return *system_; }
  bool mixed() const { return data_ == metadata_; }
  SpacePool& pool_of(SpaceClass space) const;
  SpacePool& pool_for_type(uint64_t type) const;  // of a chunk
  const std::vector<std::unique_ptr<SpacePool>>& pools() const { return pools_; }

  // Into the pool of its type. REQUIRES that no other group has a byte of it.
  BlockGroup& add(std::unique_ptr<BlockGroup> group);
  void remove(BlockGroup& group);  // ends it

  const Groups& by_start() const { return groups_; }
  std::vector<uint64_t> starts() const;
  BlockGroup* starting_at(uint64_t start) const;  // null: none
  BlockGroup* containing(ByteRange range) const;  // the whole of it, and it is not empty; null: none does
  uint64_t bytes_used() const;                    // by extents, of all groups

 private:
  Groups groups_;
  std::vector<std::unique_ptr<SpacePool>> pools_;
  SpacePool* data_ = nullptr;
  SpacePool* metadata_ = nullptr;
  SpacePool* system_ = nullptr;
};

}  // namespace butterfuse
