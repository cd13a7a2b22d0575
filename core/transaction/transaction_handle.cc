// SPDX-License-Identifier: GPL-2.0-or-later
// TransactionHandle: what tree changes ask of the transaction, turned into queued references.
// The extent tree is only read here, and only where a block may be shared (lookup_tree_refs). Changes wait in
// the queue: else each change of a tree would be one of the extent tree, too, which changes more of itself.
#include <algorithm>

#include "core/base/assert.h"
#include "core/transaction/filesystem_state.h"

namespace butterfuse {
namespace {

// Trees that change in the commit because the others did: see CommitDebt.
bool follows_others(uint64_t root) {
  return root == objectid::kExtentTree || root == objectid::kFreeSpaceTree || root == objectid::kCsumTree ||
         root == objectid::kBlockGroupTree || root == objectid::kRootTree;
}

}  // namespace

TransactionHandle::TransactionHandle(Filesystem* filesystem, std::shared_ptr<Transaction> transaction,
                                     Reservation reservation)
    : filesystem_(filesystem), transaction_(std::move(transaction)), metadata_(std::move(reservation)) {}

TransactionHandle::TransactionHandle(TransactionHandle&& other) noexcept
    : filesystem_(other.filesystem_),
      transaction_(std::move(other.transaction_)),
      metadata_(std::move(other.metadata_)),
      claimed_(std::exchange(other.claimed_, 0)),
      made_(other.made_),
      most_made_(other.most_made_) {
  other.transaction_.reset();
}

TransactionHandle::~TransactionHandle() {
  if (!transaction_) return;
  if (std::uncaught_exceptions() > exceptions_) abort(Error{ENOMEM, "no memory"});
  release_claim();
  transaction_.reset();
  auto& state = *filesystem_->state_;
  if (filesystem_->cache_->dirty_bytes() > state.options.dirty_metadata_limit_bytes)
    filesystem_->request_commit();
  state.gate->leave();  // from here on a commit may run
}

uint64_t TransactionHandle::transid() const { return transaction_->transid(); }

void TransactionHandle::claim(uint64_t bytenr) {
  if (claimed_ == bytenr) return;
  release_claim();
  transaction_->claims().claim(bytenr);
  claimed_ = bytenr;
}

void TransactionHandle::release_claim() {
  if (claimed_ == 0) return;
  transaction_->claims().release(claimed_);
  claimed_ = 0;
}

// A reference that could not be queued leaves its tree half changed.
Status TransactionHandle::or_abort(Status status) {
  if (!status) abort(status.error());
  return status;
}

void TransactionHandle::count_tree_block(uint64_t root, int sign, bool born_here) {
  const int64_t bytes = sign * int64_t{filesystem_->volume_->nodesize()};
  transaction_->add_tree_bytes(root, bytes);
  if (born_here && root != objectid::kChunkTree) {
    made_ += bytes;
    most_made_ = std::max(most_made_, made_);
  }
  CommitDebt& debt = filesystem_->commit_debt();
  if (!follows_others(root)) return debt.trees().add_bytes(root, bytes);
  born_here ? debt.add_new_followers(bytes) : debt.add_old_followers(bytes);
}

Result<uint64_t> TransactionHandle::alloc_tree_block(uint64_t root, uint64_t parent, int level,
                                                     const Key& first_key) {
  const SpaceClass space = root == objectid::kChunkTree ? SpaceClass::system : SpaceClass::metadata;
  BF_ASSIGN(uint64_t bytenr, filesystem_->allocator_->alloc_tree_block(space));
  BF_TRY(or_abort(transaction_->refs().add_newborn_tree_block(
      {.bytenr = bytenr, .level = level, .parent = parent, .root = root}, first_key)));
  count_tree_block(root, 1, true);
  return bytenr;
}

Result<BlockRefs> TransactionHandle::lookup_tree_refs(uint64_t bytenr, int level) {
  claim(bytenr);
  ReaderLock moving(transaction_->refs_moving());
  const DelayedRefs::Queued queued = transaction_->refs().queued(bytenr);
  BlockRefs base{0, extent_flag::kTreeBlock};
  if (!queued.newborn) {
    BF_ASSIGN(base, read_block_refs(*filesystem_->state_->extent_tree, bytenr, level,
                                    filesystem_->volume_->nodesize()));
  }
  const int64_t refs = static_cast<int64_t>(base.refs) + queued.delta;
  if (refs <= 0)
    return make_error(EUCLEAN, "tree block {} is in use but has {} references, {} of them queued", bytenr,
                      refs, queued.delta);
  return BlockRefs{static_cast<uint64_t>(refs), base.flags | queued.flags};
}

Status TransactionHandle::set_full_backref(uint64_t bytenr, int level) {
  return or_abort(transaction_->refs().set_full_backref(bytenr, level));
}

Status TransactionHandle::add_tree_ref(const TreeRef& ref) {
  return or_abort(transaction_->refs().change(ref, 1));
}

Status TransactionHandle::drop_tree_ref(const TreeRef& ref) {
  BF_TRY(or_abort(transaction_->refs().change(ref, -1)));
  if (ref.bytenr == claimed_) {  // the tree has a copy of its own now
    count_tree_block(ref.root, -1, false);
    release_claim();
  }
  return {};
}

Status TransactionHandle::add_data_ref(const DataRef& ref) {
  return or_abort(transaction_->refs().change(ref, 1));
}

Status TransactionHandle::drop_data_ref(const DataRef& ref) {
  return or_abort(transaction_->refs().change(ref, -1));
}

Status TransactionHandle::insert_data_extent(const DataRef& ref) {
  return or_abort(transaction_->refs().add_newborn_data(ref));
}

Status TransactionHandle::free_tree_block(const TreeRef& ref, uint64_t block_generation) {
  const bool born_here = block_generation == transid();
  count_tree_block(ref.root, -1, born_here);
  if (born_here) filesystem_->cache_->drop(ref.bytenr);  // nobody else knows it: never written
  auto forgotten = transaction_->refs().drop_and_forget_newborn(ref);
  if (!forgotten) return or_abort(tl::unexpected(std::move(forgotten).error()));
  if (*forgotten) filesystem_->allocator_->release_unwritten_tree_block(ref.bytenr);
  if (ref.bytenr == claimed_) release_claim();
  return {};
}

void TransactionHandle::note_file_extents(uint64_t root_id, uint64_t ino, ByteRange range) {
  if (filesystem_->observer_ != nullptr)
    filesystem_->observer_->file_extents_changed(root_id, ino, range, transid());
}

void TransactionHandle::abort(const Error& error) { filesystem_->turn_read_only(error); }

}  // namespace butterfuse
