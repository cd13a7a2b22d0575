// SPDX-License-Identifier: GPL-2.0-or-later
// The log's trees, and rounds of writing them.
//
// One round:
//
//     fill (mutex)      root items of changed logs ─> dirty blocks, their root, what left the log since
//     write (no mutex)  blocks ─> flush ─> the last commit's superblock, with log_root
//     end (mutex)       all changes up to the round's are on disk; what left the log is given back
//
// While one thread writes, others go on logging, and wait here when they want to sync: those whose change is
// in the round are done with its end, the first of the others writes the next. So a hundred threads that
// fsync share two rounds. The flush in the middle is what makes it safe to name the root: a log that the
// superblock names is whole.
//
// A log that failed half-way is given up until the commit (broken_): nobody can say what it has, and the
// commit that each fsync makes instead tells the truth.
#include "core/log/tree_log.h"

#include <cstring>

#include "core/base/out_of_memory.h"
#include "core/btree/tree_roots.h"
#include "core/transaction/block_writer.h"

namespace butterfuse {
namespace {

// Of clean blocks; dirty ones stay in any case. What was synced is rarely looked at again.
constexpr uint64_t kCacheBytes = 4u << 20;

// The format's: all logs have one id, and the subvolume is in the offset.
Key root_item_key(uint64_t root_id) { return {objectid::kTreeLog, key_type::kRootItem, root_id}; }

}  // namespace

TreeLog::TreeLog(Filesystem& filesystem)
    : filesystem_(filesystem), space_(filesystem.allocator(), filesystem.volume().nodesize()) {}

void TreeLog::start(uint64_t transid) {
  if (cache_ != nullptr) return;
  space_.start(transid);
  cache_ = std::make_unique<TreeBlockCache>(filesystem_.volume(), kCacheBytes);
  cache_->set_running(transid);
}

Result<TreeRootPointer> TreeLog::new_root() { return create_tree_root(*cache_, space_, objectid::kTreeLog); }

Result<Tree*> TreeLog::tree_of(uint64_t root_id) {
  if (roots_ == nullptr) {
    BF_ASSIGN(const TreeRootPointer root, new_root());
    roots_ = std::make_unique<Tree>(*cache_, objectid::kTreeLog, root);
  }
  auto found = logs_.find(root_id);
  if (found == logs_.end()) {
    BF_ASSIGN(const TreeRootPointer root, new_root());
    found = logs_.emplace(root_id, SubvolumeLog{}).first;
    found->second.tree = std::make_unique<Tree>(*cache_, objectid::kTreeLog, root);
  }
  return found->second.tree.get();
}

Status TreeLog::record_root(uint64_t root_id, SubvolumeLog& log) {
  const TreeRootPointer root = log.tree->root();
  DiskRootItem item;
  std::memset(static_cast<void*>(&item), 0, sizeof(item));
  item.bytenr = root.bytenr;
  item.generation = item.generation_v2 = root.generation;
  item.level = static_cast<uint8_t>(root.level);
  WriteCursor cursor(*roots_, space_);
  BF_ASSIGN(const bool there, cursor.seek(root_item_key(root_id)));
  BF_TRY(there ? cursor.replace(item) : cursor.insert(root_item_key(root_id), object_bytes(item)));
  log.recorded = root;
  return {};
}

Status TreeLog::record_roots() {
  for (auto& [root_id, log] : logs_)
    if (log.tree->root() != log.recorded) BF_TRY(record_root(root_id, log));
  return {};
}

TreeLog::Turn TreeLog::begin_round(uint64_t change, Round& round) {
  MutexLock lock(mutex_);
  while (writing_ && synced_ < change) round_ended_.wait(lock);
  if (synced_ >= change) return Turn::already_synced;
  if (!broken_ && !or_no_memory([&]() BF_REQUIRES(mutex_) { return fill(round); })) broken_ = true;
  if (broken_) return Turn::given_up;
  writing_ = true;
  return Turn::mine;
}

Status TreeLog::fill(Round& round) {
  BF_TRY(record_roots());
  // Asked behind the last allocation of all that is written now, whoever logged it. Chunks of this
  // transaction are in no committed chunk tree, and a replay finds blocks by that one.
  if (filesystem_.allocator().has_uncommitted_chunks())
    return make_error(EAGAIN, "a replay would not find the new chunk");
  round.change = changes_;
  round.root = roots_->root();
  round.blocks = cache_->take_dirty();
  for (const TreeBlockRef& block : round.blocks) space_.note_written(block->bytenr());
  round.retired = space_.take_retired();
  return {};
}

// Nobody replaces cache_ meanwhile: that needs a commit, which the handle keeps away.
Status TreeLog::write_round(TransactionHandle& handle, const Round& round) {
  BF_TRY(write_tree_blocks(filesystem_.volume(), round.blocks, handle.transid()));
  BF_TRY(filesystem_.volume().flush());
  return filesystem_.write_log_super(handle, round.root);
}

void TreeLog::end_round(const Round& round, const Status& status) {
  MutexLock lock(mutex_);
  writing_ = false;
  if (status) {
    cache_->written(round.blocks);
    space_.release(round.retired);
    synced_ = round.change;
  } else {
    broken_ = true;
  }
  round_ended_.notify_all();
}

Result<bool> TreeLog::sync(TransactionHandle& handle, uint64_t change) {
  Round round;
  const Turn turn = begin_round(change, round);
  if (turn != Turn::mine) return turn == Turn::already_synced;
  const Status status = or_no_memory([&] { return write_round(handle, round); });
  if (!status) filesystem_.turn_read_only(status.error());
  end_round(round, status);
  BF_TRY(status);
  return true;
}

void TreeLog::after_commit() {
  MutexLock lock(mutex_);
  logs_.clear();
  roots_.reset();
  cache_.reset();
  space_.release_all();
  broken_ = false;
  synced_ = changes_;
}

}  // namespace butterfuse
