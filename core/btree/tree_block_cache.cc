// SPDX-License-Identifier: GPL-2.0-or-later
// The block cache: sharded hash maps, one read for many waiters, a clock over the evictable blocks.
//
//     missing ──get──> being read ──> clean, on the clock ──evicted──> missing
//     create ──> dirty ──take_dirty──> writing ──written──> clean, on the clock
//
//     clock   a*  b   c*  d          hand moves: referenced ones lose their mark and stay, the next one goes
//             ^ hand
//
// A block that is being written is off the clock: were it evicted, a reader would get from the disk what was
// there before. Replacing the taken block by the clock's last makes taking one off cheap, at the price of an
// order that is only about that of use.
#include <algorithm>
#include <new>
#include <unordered_map>

#include "core/base/assert.h"
#include "core/btree/block_layout.h"
#include "core/btree/tree_block.h"

namespace butterfuse {

TreeBlock::TreeBlock(uint64_t bytenr, uint32_t nodesize)
    : bytenr_(bytenr), nodesize_(nodesize), data_(std::make_unique_for_overwrite<std::byte[]>(nodesize)) {}

// Invariants: an entry without a block is being read by the thread that drew `read_id`. A block is on the
// clock iff it is in `entries`, clean and not being written.
struct TreeBlockCache::Shard {
  struct Entry {
    TreeBlockRef block;
    uint64_t read_id = 0;
  };
  Mutex mutex;
  CondVar read_finished;
  std::unordered_map<uint64_t, Entry> entries BF_GUARDED_BY(mutex);
  std::vector<TreeBlock*> clock BF_GUARDED_BY(mutex);
  size_t hand BF_GUARDED_BY(mutex) = 0;
  uint64_t last_read_id BF_GUARDED_BY(mutex) = 0;

  void put_on_clock(TreeBlock& block) BF_REQUIRES(mutex) {
    clock.push_back(&block);
    block.clock_slot_ = static_cast<uint32_t>(clock.size() - 1);
  }
  void take_off_clock(TreeBlock& block) BF_REQUIRES(mutex) {
    if (block.clock_slot_ == TreeBlock::kNoSlot) return;
    clock[block.clock_slot_] = clock.back();
    clock[block.clock_slot_]->clock_slot_ = block.clock_slot_;
    clock.pop_back();
    block.clock_slot_ = TreeBlock::kNoSlot;
  }
};

TreeBlockCache::TreeBlockCache(Volume& volume, uint64_t budget_bytes)
    : TreeBlockCache(volume_source(volume), budget_bytes) {}

TreeBlockCache::TreeBlockCache(std::unique_ptr<TreeBlockSource> source, uint64_t budget_bytes)
    : source_(std::move(source)), nodesize_(source_->nodesize()), budget_bytes_(budget_bytes) {
  for (auto& shard : shards_) shard = std::make_unique<Shard>();
}

TreeBlockCache::~TreeBlockCache() = default;

TreeBlockCache::Shard& TreeBlockCache::shard_of(uint64_t bytenr) const {
  return *shards_[(bytenr / nodesize_) % kShards];
}

namespace {

Status check_expectation(const TreeBlock& block, BlockExpectation expect) {
  if (expect.generation != 0 && block.generation() != expect.generation) {
    return make_error(EUCLEAN, "corrupt tree: block={} generation {}, its parent says {}", block.bytenr(),
                      block.generation(), expect.generation);
  }
  if (expect.level >= 0 && block.level() != expect.level) {
    return make_error(EUCLEAN, "corrupt tree: block={} level {}, its parent says {}", block.bytenr(),
                      block.level(), expect.level);
  }
  return {};
}

}  // namespace

Result<TreeBlockRef> TreeBlockCache::get(uint64_t bytenr, BlockExpectation expect) {
  Shard& shard = shard_of(bytenr);
  TreeBlockRef block;
  uint64_t read_id = 0;
  {
    MutexLock lock(shard.mutex);
    for (;;) {
      auto [entry, missing] = shard.entries.try_emplace(bytenr);
      if (missing) {
        read_id = entry->second.read_id = ++shard.last_read_id;
        break;
      }
      if (entry->second.block) {
        block = entry->second.block;
        block->referenced_ = true;
        break;
      }
      shard.read_finished.wait(lock);
    }
  }
  if (!block) return read_missing(shard, bytenr, read_id, expect);
  BF_TRY(check_expectation(*block, expect));
  return block;
}

Result<TreeBlockRef> TreeBlockCache::read_missing(Shard& shard, uint64_t bytenr, uint64_t read_id,
                                                  BlockExpectation expect) {
  try {
    return read_and_keep(shard, bytenr, read_id, expect);
  } catch (const std::bad_alloc&) {  // whoever waits may have more luck
    MutexLock lock(shard.mutex);
    auto entry = shard.entries.find(bytenr);
    if (entry != shard.entries.end() && !entry->second.block && entry->second.read_id == read_id)
      shard.entries.erase(entry);
    shard.read_finished.notify_all();
    throw;
  }
}

Result<TreeBlockRef> TreeBlockCache::read_and_keep(Shard& shard, uint64_t bytenr, uint64_t read_id,
                                                   BlockExpectation expect) {
  auto block = std::make_shared<TreeBlock>(bytenr, nodesize_);
  Status status =
      source_->read(bytenr, block->mutable_bytes(), expect.generation, expect.level, generation_limit_);
  if (status) status = check_expectation(*block, expect);
  // It would pass for a block that is being changed.
  if (status && block->generation() == running_ && !(block->header().flags & header_flag::kWritten))
    status = make_error(EUCLEAN, "tree block {}: is of transaction {} and was never written", bytenr,
                        block->generation());

  MutexLock lock(shard.mutex);
  auto entry = shard.entries.find(bytenr);
  // Dropped or created anew meanwhile: what was read is nobody's business but the caller's.
  bool ours = entry != shard.entries.end() && !entry->second.block && entry->second.read_id == read_id;
  if (ours && status) {
    shard.put_on_clock(*block);
    entry->second.block = block;
    block->referenced_ = true;
    cached_bytes_ += nodesize_;
    evict_beyond_budget(shard);
  } else if (ours) {
    shard.entries.erase(entry);  // waiters read again and get their own error
  }
  shard.read_finished.notify_all();
  BF_TRY(std::move(status));
  return block;
}

// Gives up after a bounded number of steps: references and recent use may leave nothing to evict.
// REQUIRES shard.mutex.
void TreeBlockCache::evict_beyond_budget(Shard& shard) BF_NO_THREAD_SAFETY_ANALYSIS {
  // Under the shard's mutex: more steps would hold up all look-ups, fewer would find nothing where much is
  // in use.
  constexpr int kStepsMax = 64;
  for (int step = 0; step < kStepsMax && cached_bytes_ > budget_bytes_ && !shard.clock.empty(); ++step) {
    if (shard.hand >= shard.clock.size()) shard.hand = 0;
    TreeBlock& candidate = *shard.clock[shard.hand];
    auto entry = shard.entries.find(candidate.bytenr());
    if (candidate.referenced_ || entry->second.block.use_count() > 1) {
      candidate.referenced_ = false;
      ++shard.hand;
      continue;
    }
    shard.take_off_clock(candidate);
    shard.entries.erase(entry);
    cached_bytes_ -= nodesize_;
  }
}

TreeBlockRef TreeBlockCache::peek(uint64_t bytenr) {
  Shard& shard = shard_of(bytenr);
  MutexLock lock(shard.mutex);
  auto entry = shard.entries.find(bytenr);
  return entry == shard.entries.end() ? nullptr : entry->second.block;
}

bool TreeBlockCache::is_dirty(uint64_t bytenr) {
  Shard& shard = shard_of(bytenr);
  MutexLock lock(shard.mutex);
  auto entry = shard.entries.find(bytenr);
  return entry != shard.entries.end() && entry->second.block && entry->second.block->dirty_;
}

TreeBlockRef TreeBlockCache::create(uint64_t bytenr) {
  auto block = std::make_shared<TreeBlock>(bytenr, nodesize_);
  std::ranges::fill(block->mutable_bytes(), std::byte{0});
  return insert_dirty(std::move(block));
}

TreeBlockRef TreeBlockCache::create_copy(uint64_t bytenr, const TreeBlock& original) {
  auto block = std::make_shared<TreeBlock>(bytenr, nodesize_);
  // A write-out of the last transaction may fill in the original's csum at this moment.
  constexpr size_t kCsumBytes = sizeof(DiskHeader::csum);
  std::ranges::fill(block->mutable_bytes().first(kCsumBytes), std::byte{0});
  std::ranges::copy(original.bytes().subspan(kCsumBytes), block->mutable_bytes().begin() + kCsumBytes);
  return insert_dirty(std::move(block));
}

TreeBlockRef TreeBlockCache::insert_dirty(TreeBlockRef block) {
  Shard& shard = shard_of(block->bytenr());
  MutexLock lock(shard.mutex);
  forget(shard, block->bytenr());
  block->dirty_ = true;
  shard.entries[block->bytenr()].block = block;
  dirty_bytes_ += nodesize_;
  cached_bytes_ += nodesize_;
  evict_beyond_budget(shard);
  return block;
}

void TreeBlockCache::drop(uint64_t bytenr) {
  Shard& shard = shard_of(bytenr);
  MutexLock lock(shard.mutex);
  forget(shard, bytenr);
}

// REQUIRES shard.mutex.
void TreeBlockCache::forget(Shard& shard, uint64_t bytenr) BF_NO_THREAD_SAFETY_ANALYSIS {
  auto entry = shard.entries.find(bytenr);
  if (entry == shard.entries.end()) return;
  if (TreeBlock* block = entry->second.block.get()) {
    shard.take_off_clock(*block);
    if (block->dirty_) dirty_bytes_ -= nodesize_;
    block->dirty_ = false;
    cached_bytes_ -= nodesize_;
  }
  shard.entries.erase(entry);
  shard.read_finished.notify_all();  // whoever waited for the read of a forgotten block starts its own
}

std::vector<TreeBlockRef> TreeBlockCache::take_dirty() {
  std::vector<TreeBlockRef> taken;
  for (auto& shard : shards_) {
    MutexLock lock(shard->mutex);
    for (auto& [bytenr, entry] : shard->entries) {
      if (!entry.block || !entry.block->dirty_) continue;
      entry.block->dirty_ = false;
      entry.block->writing_ = true;
      taken.push_back(entry.block);
    }
  }
  // Written in this order, neighbours on disk go out together.
  std::ranges::sort(taken, {}, &TreeBlock::bytenr);
  for (const TreeBlockRef& block : taken) {
    block->mutable_header().flags = block->header().flags | header_flag::kWritten;
    block->set_next_insert_slot(TreeBlock::kNoSlot);
    clear_unused_bytes(block->mutable_bytes());
  }
  dirty_bytes_ -= taken.size() * uint64_t{nodesize_};
  return taken;
}

void TreeBlockCache::written(const std::vector<TreeBlockRef>& blocks) {
  for (const TreeBlockRef& block : blocks) {
    Shard& shard = shard_of(block->bytenr());
    MutexLock lock(shard.mutex);
    block->writing_ = false;
    auto entry = shard.entries.find(block->bytenr());
    bool still_cached = entry != shard.entries.end() && entry->second.block == block;
    if (still_cached && block->clock_slot_ == TreeBlock::kNoSlot) shard.put_on_clock(*block);
  }
}

}  // namespace butterfuse
