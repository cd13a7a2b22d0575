// SPDX-License-Identifier: GPL-2.0-or-later
// The CowContext of tree tests: references counted on the spot.
#include <catch2/catch.hpp>

#include "tests/support/catch/memory_trees.h"

namespace butterfuse::test {
namespace {

using RefKey = CountingContext::RefKey;
using RefCounts = CountingContext::RefCounts;

RefKey key_of(const TreeRef& ref) { return {ref.parent, ref.parent != 0 ? 0 : ref.root, 0, 0}; }
RefKey key_of(const DataRef& ref) {
  if (ref.parent != 0) return {ref.parent, 0, 0, 0};
  return {0, ref.root, ref.objectid, ref.offset};
}

void drop(RefCounts& refs, const RefKey& key) {
  auto ref = refs.find(key);
  bool exists = ref != refs.end();
  REQUIRE(exists);
  if (--ref->second == 0) refs.erase(ref);
}

}  // namespace

Result<uint64_t> CountingContext::alloc_tree_block(uint64_t root, uint64_t parent, int level, const Key&) {
  uint64_t bytenr = next_bytenr_;
  if (free_.empty()) {
    next_bytenr_ += nodesize_;
  } else {
    bytenr = free_.back();
    free_.pop_back();
  }
  BlockRecord record{.level = level, .flags = 0, .refs = {}};
  record.refs[key_of(TreeRef{bytenr, level, parent, root})] = 1;
  bool fresh = blocks_.emplace(bytenr, record).second;
  REQUIRE(fresh);
  return bytenr;
}

Result<BlockRefs> CountingContext::lookup_tree_refs(uint64_t bytenr, int level) {
  const BlockRecord& record = blocks_.at(bytenr);
  REQUIRE(record.level == level);
  BlockRefs refs{.refs = 0, .flags = record.flags};
  for (const auto& [key, count] : record.refs) refs.refs += static_cast<uint64_t>(count);
  return refs;
}

Status CountingContext::set_full_backref(uint64_t bytenr, int level) {
  BlockRecord& record = blocks_.at(bytenr);
  REQUIRE(record.level == level);
  record.flags |= extent_flag::kFullBackref;
  return {};
}

Status CountingContext::add_tree_ref(const TreeRef& ref) {
  BlockRecord& record = blocks_.at(ref.bytenr);
  REQUIRE(record.level == ref.level);
  ++record.refs[key_of(ref)];
  return {};
}

Status CountingContext::drop_tree_ref(const TreeRef& ref) {
  BlockRecord& record = blocks_.at(ref.bytenr);
  REQUIRE(record.level == ref.level);
  drop(record.refs, key_of(ref));
  REQUIRE(!record.refs.empty());
  return {};
}

Status CountingContext::add_data_ref(const DataRef& ref) {
  ++data_extents_[ref.bytenr][key_of(ref)];
  return {};
}

Status CountingContext::drop_data_ref(const DataRef& ref) {
  auto extent = data_extents_.find(ref.bytenr);
  bool exists = extent != data_extents_.end();
  REQUIRE(exists);
  drop(extent->second, key_of(ref));
  if (extent->second.empty()) data_extents_.erase(extent);
  return {};
}

Status CountingContext::free_tree_block(const TreeRef& ref, uint64_t block_generation) {
  BlockRecord& record = blocks_.at(ref.bytenr);
  REQUIRE(record.level == ref.level);
  drop(record.refs, key_of(ref));
  REQUIRE(record.refs.empty());
  blocks_.erase(ref.bytenr);
  (block_generation == transid_ ? free_ : pinned_).push_back(ref.bytenr);
  return {};
}

void CountingContext::next_transaction() {
  ++transid_;
  free_.insert(free_.end(), pinned_.begin(), pinned_.end());
  pinned_.clear();
}

}  // namespace butterfuse::test
