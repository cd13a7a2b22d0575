// SPDX-License-Identifier: GPL-2.0-or-later
// LogSpace: where the blocks of the running transaction's log lie. They have no extent items.
#pragma once

#include <set>
#include <vector>

#include "core/alloc/allocator.h"
#include "core/btree/cow_context.h"

namespace butterfuse {

// The CowContext of log trees. A block that a superblock on disk may reach is never used for something else:
// what the log no longer needs is given back after the next superblock, what was never written at once, and
// all of it after the commit. Not thread-safe.
class LogSpace final : public CowContext {
 public:
  LogSpace(Allocator& allocator, uint32_t nodesize) : allocator_(allocator), nodesize_(nodesize) {}

  void start(uint64_t transid) { transid_ = transid; }
  uint64_t transid() const override { return transid_; }
  Result<uint64_t> alloc_tree_block(uint64_t root, uint64_t parent, int level, const Key& first_key) override;
  // Log trees share nothing with anybody: no references are looked up, added or dropped.
  Result<BlockRefs> lookup_tree_refs(uint64_t, int) override { return BlockRefs{}; }
  Status set_full_backref(uint64_t, int) override { return {}; }
  Status add_tree_ref(const TreeRef&) override { return {}; }
  Status drop_tree_ref(const TreeRef&) override { return {}; }
  Status add_data_ref(const DataRef&) override { return {}; }
  Status drop_data_ref(const DataRef&) override { return {}; }
  Status free_tree_block(const TreeRef& ref, uint64_t block_generation) override;

  // The block is about to go to the disk.
  void note_written(uint64_t bytenr);
  // What left the log since the last call, but may still be reached from the disk: the caller releases it
  // when a superblock that does not reach it is written.
  std::vector<uint64_t> take_retired();
  void release(const std::vector<uint64_t>& blocks);
  void release_all();
  size_t blocks() const { return unwritten_.size() + written_.size() + retired_.size(); }

 private:
  void give_back(uint64_t bytenr) { allocator_.release_reserved(ByteRange::at(bytenr, nodesize_)); }

  Allocator& allocator_;
  const uint32_t nodesize_;
  uint64_t transid_ = 0;
  // Disjoint. `retired_` was written, left the log, and is not released yet.
  std::set<uint64_t> unwritten_, written_, retired_;
  std::vector<uint64_t> fresh_retired_;  // the part of `retired_` that was not taken yet
};

}  // namespace butterfuse
