// SPDX-License-Identifier: GPL-2.0-or-later
// BlockGroupTable: who is where.
#include "core/alloc/block_group_table.h"

#include "core/base/assert.h"

namespace butterfuse {

void BlockGroupTable::make_pools(bool mixed) {
  BF_ASSERT(pools_.empty());
  pools_.push_back(std::make_unique<SpacePool>(mixed ? bg::kData | bg::kMetadata : bg::kData));
  data_ = metadata_ = pools_.back().get();
  if (!mixed) {
    pools_.push_back(std::make_unique<SpacePool>(bg::kMetadata));
    metadata_ = pools_.back().get();
  }
  pools_.push_back(std::make_unique<SpacePool>(bg::kSystem));
  system_ = pools_.back().get();
}

SpacePool& BlockGroupTable::pool_of(SpaceClass space) const {
  if (space == SpaceClass::system) return *system_;
  return space == SpaceClass::data ? *data_ : *metadata_;
}

SpacePool& BlockGroupTable::pool_for_type(uint64_t type) const {
  if (type & bg::kSystem) return *system_;
  return type & bg::kData ? *data_ : *metadata_;
}

BlockGroup& BlockGroupTable::add(std::unique_ptr<BlockGroup> group) {
  const auto [slot, added] = groups_.emplace(group->start(), std::move(group));
  BF_ASSERT(added, "block group {} is there already", slot->first);
  BlockGroup& there = *slot->second;
  pool_for_type(there.chunk->type).add(&there);
  return there;
}

void BlockGroupTable::remove(BlockGroup& group) {
  group.pool->remove(&group);
  groups_.erase(group.start());
}

std::vector<uint64_t> BlockGroupTable::starts() const {
  std::vector<uint64_t> starts;
  for (const auto& [start, group] : groups_) starts.push_back(start);
  return starts;
}

BlockGroup* BlockGroupTable::starting_at(uint64_t start) const {
  const auto found = groups_.find(start);
  return found == groups_.end() ? nullptr : found->second.get();
}

BlockGroup* BlockGroupTable::containing(ByteRange range) const {
  const auto behind = groups_.upper_bound(range.start);
  if (range.empty() || behind == groups_.begin()) return nullptr;
  BlockGroup* group = std::prev(behind)->second.get();
  return group->range().contains(range) ? group : nullptr;
}

uint64_t BlockGroupTable::bytes_used() const {
  uint64_t used = 0;
  for (const auto& pool : pools_) used += pool->counters().used;
  return used;
}

}  // namespace butterfuse
