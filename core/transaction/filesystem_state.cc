// SPDX-License-Identifier: GPL-2.0-or-later
// Filesystem, the front door: trees by name, joining transactions, and the read-only latch.
#include "core/transaction/filesystem_state.h"

#include <cstring>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/ondisk/named_entries.h"
#include "core/transaction/device_stats.h"
#include "core/transaction/space_ladder.h"

namespace butterfuse {

Filesystem::~Filesystem() {
  if (state_) state_->commit_thread.reset();
}

Status Filesystem::close() {
  if (!state_->commit_thread || state_->closed.exchange(true)) return state_->gate->status();
  Status result = commit();
  // Errors of devices that this commit met itself.
  if (result && !read_only_ && device_stats_changed(*volume_)) result = commit();
  state_->commit_thread.reset();
  if (result) result = mend_supers_once();
  if (result) result = volume_->flush();  // the other superblock mirrors
  volume_->set_repairs(false);
  read_only_ = true;
  return result;
}

uint32_t Filesystem::csum_size_bytes() const {
  return static_cast<uint32_t>(csum_size(volume_->csum_type()));
}
bool Filesystem::has_incompat(uint64_t bit) const { return (state_->incompat & bit) == bit; }
void Filesystem::set_incompat(uint64_t bit) { state_->incompat |= bit; }

std::string Filesystem::label() const {
  MutexLock lock(state_->label_mutex);
  return state_->label;
}

void Filesystem::set_label(const std::string& label) {
  MutexLock lock(state_->label_mutex);
  state_->label = label;
}

Tree& Filesystem::root_tree() { return *state_->root_tree; }
Tree& Filesystem::csum_tree() { return *state_->csum_tree; }
bool Filesystem::has_csum_tree() { return state_->csum_tree != nullptr; }
Tree& Filesystem::extent_tree() { return *state_->extent_tree; }
Tree& Filesystem::chunk_tree() { return *state_->chunk_tree; }
Tree& Filesystem::dev_tree() { return *state_->dev_tree; }
Tree* Filesystem::free_space_tree() { return state_->free_space_tree; }
Tree* Filesystem::block_group_tree() { return state_->block_group_tree; }
Tree* Filesystem::uuid_tree() { return state_->uuid_tree; }
Tree* Filesystem::quota_tree() { return state_->quota_tree; }

Result<Tree*> Filesystem::subvolume(uint64_t root_id) {
  if (!is_subvolume_id(root_id)) return make_error(ENOENT, "tree {} is not a subvolume", root_id);
  return state_->trees->open(root_id, last_committed_);
}

Result<DiskRootItem> Filesystem::root_item(uint64_t root_id) {
  BF_ASSIGN(FoundRootItem found, state_->trees->find_root_item(root_id));
  return found.item;
}

Result<uint64_t> Filesystem::default_subvolume() {
  constexpr std::string_view kName = "default";
  const Key key{volume_->super().root_dir_objectid, key_type::kDirItem, name_hash(kName)};
  BF_ASSIGN(auto item, lookup_item(*state_->root_tree, key));
  if (!item) return objectid::kFsTree;
  BF_ASSIGN(const auto entry, find_name_entry(*item, kName));
  if (entry) return Key(entry->head.location).objectid;
  return make_error(EUCLEAN, "root tree: {} names no default subvolume", to_text(key));
}

// ---- transactions ----

Result<bool> Filesystem::commit_for_space() {
  if (CommitHook* const hook = state_->current_hook()) hook->finish_freeing();
  BF_TRY(commit());
  return true;
}

Result<Reservation> Filesystem::reserve_metadata(uint32_t items, uint64_t root) {
  if (read_only_) return Reservation{};
  // The commit thread is asked at the limit itself; who comes when it is far behind has to help.
  if (cache_->dirty_bytes() > 2 * state_->options.dirty_metadata_limit_bytes) BF_TRY(commit());
  const uint64_t bytes = allocator_->metadata_bytes_for_items(items);
  return climb_for_space([&] { return allocator_->reserve_metadata(bytes, root); },
                         {[&] { return commit_for_space(); }});
}

Result<Reservation> Filesystem::reserve_metadata_freeing(uint32_t items, uint64_t root) {
  auto reserved = reserve_metadata(items, root);
  if (reserved || reserved.error().code != ENOSPC) return reserved;
  // Tree blocks then come from the global reserve; the commit gives back what the work frees. What others
  // have freed meanwhile may have to be committed first, and what they free while that goes on once more.
  const uint64_t bytes = allocator_->metadata_bytes_for_items(items);
  const Rung commits = [&] { return commit_for_space(); };
  reserved = climb_for_space([&] { return allocator_->reserve_freeing(bytes, root); }, {commits, commits});
  if (reserved) request_commit();
  return reserved;
}

Result<TransactionHandle> Filesystem::join(Reservation reservation) {
  if (read_only_) {
    BF_TRY(state_->gate->status());
    return make_error(EROFS, "file system is mounted read-only");
  }
  BF_ASSIGN(std::shared_ptr<Transaction> transaction, state_->gate->join());
  return TransactionHandle(this, std::move(transaction), std::move(reservation));
}

Result<TransactionHandle> Filesystem::begin(uint32_t items, uint64_t root) {
  BF_ASSIGN(Reservation reservation, reserve_metadata(items, root));
  return join(std::move(reservation));
}

Result<TransactionHandle> Filesystem::begin_reserved(Reservation metadata) {
  return join(std::move(metadata));
}

Result<TransactionHandle> Filesystem::begin_freeing(uint32_t items, uint64_t root) {
  BF_ASSIGN(Reservation reservation, reserve_metadata_freeing(items, root));
  return join(std::move(reservation));
}

uint64_t Filesystem::running_transid() const { return state_->gate->running_transid(); }

bool Filesystem::has_room_for_debt(uint64_t root) const {
  return read_only_ || allocator_->commit_fits(root, volume_->nodesize());
}

void Filesystem::make_room_for_debt(uint64_t root) {
  if (has_room_for_debt(root)) return;
  [[maybe_unused]] const Status kept_by_the_gate = commit();
}

void Filesystem::request_commit() {
  if (state_->commit_thread) state_->commit_thread->request();
}

void Filesystem::set_commit_interval(uint32_t seconds) {
  if (state_->commit_thread) state_->commit_thread->set_interval(seconds);
}

void Filesystem::set_commit_hook(CommitHook* hook) {
  MutexLock lock(state_->hook_mutex);
  state_->hook = hook;
}

void Filesystem::turn_read_only(const Error& why) {
  volume_->set_repairs(false);
  const bool first = !read_only_.exchange(true);
  state_->gate->fail(why);  // before the message, which needs memory
  if (first) log_event(LogLevel::error, "file system turns read-only: {}", why.message);
}

void Filesystem::wait_for_commit_under_way() { state_->gate->wait_for_turn_end(); }

Status Filesystem::mend_supers_once() {
  return state_->supers_mended.exchange(true) ? Status{} : volume_->mend_supers();
}

// While the handle lives no commit closes, so nobody changes state_->super.
Status Filesystem::write_log_super(TransactionHandle& handle, const TreeRootPointer& log_root) {
  BF_ASSERT(last_committed_ + 1 == handle.transid());
  DiskSuper super = state_->super;
  super.log_root = log_root.bytenr;
  super.log_root_level = static_cast<uint8_t>(log_root.level);
  super.incompat_flags = super.incompat_flags | state_->incompat.load();
  state_->log_on_disk = true;
  Status written = state_->gate->status();
  if (written) written = volume_->check_nobody_else_wrote();
  if (written) written = mend_supers_once();
  if (written) written = volume_->write_supers(super, 0, 1);
  if (written) written = volume_->flush();
  if (written) written = volume_->write_supers(super, 1);  // durable with the next flush
  if (!written) turn_read_only(written.error());
  return written;
}

}  // namespace butterfuse
