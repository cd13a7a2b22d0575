// SPDX-License-Identifier: GPL-2.0-or-later
// The commit, step by step.
//
// Why each flush is where it is (write_out):
//
//     tree blocks
//     flush          The superblock must not be on disk before what it leads to. With it the other mirrors of
//                    the last commit become durable: until then mirror 0 alone tells of that.
//     mirror 0       Torn by a power cut, its checksum fails, and mirror 1, of the last commit, is whole.
//     flush          This commit is durable: what it acknowledges is true, what it freed may be written over.
//     other mirrors  No flush of their own: the one before the next mirror 0 is soon enough.
//
// Who else writes to the device is looked for twice: before the first byte, so that a foreign file system is
// not harmed, and right before the superblock, which would make two histories one.
#include "core/transaction/commit.h"

#include "core/alloc/promise_watch.h"
#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/base/out_of_memory.h"
#include "core/transaction/block_writer.h"
#include "core/transaction/device_stats.h"
#include "core/transaction/filesystem_state.h"
#include "core/transaction/super_builder.h"

namespace butterfuse {
namespace {

// Trees settle in a handful of rounds: each block is copied once, and a block group's item is written again
// only when its number changed. More means an error in our own accounting.
constexpr int kMaxRounds = 100;
// Fewer queued references than that are run in no time anyway.
constexpr size_t kEarlyRefs = 1000;

}  // namespace

Status CommitDriver::run(bool flush_when_unchanged) {
  Status result = or_no_memory([&] { return commit(flush_when_unchanged); });
  if (!result) filesystem_.turn_read_only(result.error());
  filesystem_.state_->gate->end_turn();
  return result;
}

Status CommitDriver::commit(bool flush_when_unchanged) {
  auto& gate = *filesystem_.state_->gate;
  run_refs_early();
  filesystem_.allocator_->prepare_commit();
  std::shared_ptr<Transaction> transaction = gate.close();
  const uint64_t transid = transaction->transid();
  BF_TRY(gate.status());
  BF_TRY(close_transaction(transaction));
  if (!changed_) {
    gate.reopen();
    return flush_when_unchanged ? filesystem_.volume_->flush() : Status{};
  }
  gate.detach();
  transaction.reset();
  return write_out(transid);
}

// Most of a big transaction's references are of new data; those need not wait for the door to close.
void CommitDriver::run_refs_early() {
  auto joined = filesystem_.state_->gate->join();
  if (!joined) return;  // close() meets the same error
  Transaction& transaction = **joined;
  TransactionHandle handle(&filesystem_, *joined, Reservation{});
  if (transaction.refs().size() < kEarlyRefs) return;
  if (Status ran = make_runner(handle, transaction).run_newborn_data(); !ran) handle.abort(ran.error());
}

Status CommitDriver::close_transaction(const std::shared_ptr<Transaction>& running) {
  auto& s = *filesystem_.state_;
  Transaction& transaction = *running;
  s.gate->join_closed();
  TransactionHandle handle(&filesystem_, running, Reservation{});
  const uint64_t budget = filesystem_.allocator_->commit_budget();
  BF_TRY(call_hook(handle));
  if (unchanged(transaction)) return {};
  changed_ = true;
  BF_TRY(touch_root_tree(handle));
  BF_TRY(mark_quotas_stale(handle));
  BF_TRY(write_device_stats(handle, *s.dev_tree, *filesystem_.volume_));
  // What this transaction emptied shall go with it.
  BF_TRY(make_runner(handle, transaction).run_all());
  BF_TRY(filesystem_.allocator_->remove_empty_block_groups(handle, s.super));
  BF_TRY(settle_trees(handle, transaction));
  check_promise(static_cast<uint64_t>(handle.most_made_), budget,
                fmt::format("commit {}", transaction.transid()));
  // A handle that aborted without failing anything here still forbids the commit.
  BF_TRY(s.gate->status());
  filesystem_.commit_debt().end_transaction();
  blocks_ = filesystem_.cache_->take_dirty();
  filesystem_.allocator_->begin_commit(transaction.transid());
  make_super(transaction.transid());
  filesystem_.cache_->set_running(transaction.transid() + 1);
  return {};
}

Status CommitDriver::call_hook(TransactionHandle& handle) {
  MutexLock lock(filesystem_.state_->hook_mutex);
  if (!filesystem_.state_->hook) return {};
  return filesystem_.state_->hook->before_commit(handle);
}

bool CommitDriver::unchanged(Transaction& transaction) {
  const auto& s = *filesystem_.state_;
  return filesystem_.cache_->dirty_bytes() == 0 && transaction.refs().size() == 0 &&
         s.incompat == s.super.incompat_flags && filesystem_.label() == label_of(s.super) &&
         s.super.log_root == 0 && !s.log_on_disk && !device_stats_changed(*filesystem_.volume_);
}

// The superblock's generation is also that of the root tree's root block:
// it has to be copied in every commit.
Status CommitDriver::touch_root_tree(TransactionHandle& handle) {
  WriteCursor cursor(*filesystem_.state_->root_tree, handle);
  BF_ASSIGN(bool found, cursor.seek({objectid::kExtentTree, key_type::kRootItem, 0}));
  if (!found) return make_error(EUCLEAN, "root tree: the extent tree's ROOT_ITEM went away");
  BF_ASSIGN([[maybe_unused]] MutableByteSpan item, cursor.mutable_data());
  return {};
}

RefRunner CommitDriver::make_runner(TransactionHandle& handle, Transaction& transaction) {
  const auto& s = *filesystem_.state_;
  return {.context = handle,
          .transaction = transaction,
          .allocator = *filesystem_.allocator_,
          .extent_tree = *s.extent_tree,
          .csum_tree = *s.csum_tree,
          .shape = {.nodesize = filesystem_.volume_->nodesize(),
                    .skinny_metadata = filesystem_.has_incompat(incompat::kSkinnyMetadata)},
          .sectorsize = filesystem_.sectorsize(),
          .csum_bytes = filesystem_.csum_size_bytes()};
}

Status CommitDriver::settle_trees(TransactionHandle& handle, Transaction& transaction) {
  auto& s = *filesystem_.state_;
  Allocator& allocator = *filesystem_.allocator_;
  RefRunner runner = make_runner(handle, transaction);
  for (int round = 0; round < kMaxRounds; ++round) {
    BF_TRY(allocator.insert_pending_block_groups(handle, s.super));
    BF_TRY(runner.run_all());
    BF_ASSIGN(bool roots_moved, s.trees->write_root_items(handle, transaction));
    BF_ASSIGN(bool groups_changed, allocator.write_block_group_items(handle));
    if (!roots_moved && !groups_changed && transaction.refs().size() == 0) return {};
  }
  return make_error(EUCLEAN, "transaction {}: trees do not settle, {} references still queued",
                    transaction.transid(), transaction.refs().size());
}

void CommitDriver::make_super(uint64_t transid) {
  auto& s = *filesystem_.state_;
  CommitRoots roots{.transid = transid,
                    .root = s.root_tree->root(),
                    .chunk = s.chunk_tree->root(),
                    .extent = s.extent_tree->root(),
                    .fs = s.fs_tree->root(),
                    .device = s.dev_tree->root(),
                    .csum = s.csum_tree->root(),
                    .bytes_used = filesystem_.allocator_->bytes_used(),
                    .incompat = s.incompat,
                    .uuid_tree_current = s.uuid_tree_current,
                    .space_caches_current = s.space_caches_current,
                    .lone_supers = filesystem_.volume_->has_lone_supers(),
                    .label = filesystem_.label()};
  update_super(s.super, roots);
}

Status CommitDriver::write_out(uint64_t transid) {
  Volume& volume = *filesystem_.volume_;
  const DiskSuper& super = filesystem_.state_->super;
  BF_TRY(volume.check_nobody_else_wrote());  // before it is harmed, and again at the last moment
  BF_TRY(filesystem_.mend_supers_once());
  BF_TRY(write_tree_blocks(volume, blocks_, transid));
  BF_TRY(volume.flush());
  BF_TRY(filesystem_.state_->gate->status());  // somebody else may have met an error meanwhile
  BF_TRY(volume.check_nobody_else_wrote());
  BF_TRY(volume.write_supers(super, 0, 1));
  BF_TRY(volume.flush());
  BF_TRY(volume.write_supers(super, 1));  // durable with the next flush
  volume.settle_losses();
  filesystem_.cache_->written(blocks_);
  filesystem_.allocator_->finish_commit(transid);
  filesystem_.state_->log_on_disk = false;
  if (filesystem_.observer_ != nullptr) filesystem_.observer_->after_commit(transid);
  filesystem_.last_committed_ = transid;
  return {};
}

}  // namespace butterfuse
