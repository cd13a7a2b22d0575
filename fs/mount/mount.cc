// SPDX-License-Identifier: GPL-2.0-or-later
// Mount: opening and closing, subvolumes, orphans, and the commit hook.
//
// The order of opening: what a later step needs must be there, and what can say no comes before what writes.
//
//   a log on what can't be written, and no `ro`         EROFS: whoever wants to write must know
//   MemoryBudget                                        while /proc and /sys can be read
//   Filesystem, the log replayed                        the first writes
//   DirtyInodes                                         commits from here on may have inodes
//   free space tree, stale devices, old space caches    what a writable mount puts right
//   DataEngine, ExtentReader, commit hook, FsyncLog     what inodes refer to
//   the subvolume, its orphans, the root inode          the first inodes
#include "fs/mount/mount.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "core/base/log.h"
#include "core/log/replay.h"
#include "core/scrub/resync.h"
#include "core/transaction/free_space_leftovers.h"
#include "core/transaction/space_ladder.h"
#include "fs/inode/clock.h"
#include "fs/mount/memory_budget.h"
#include "fs/mount/scrub_table.h"
#include "fs/mount/subvolume_path.h"
#include "fs/options/option_words.h"

namespace butterfuse {
namespace {

// Each takes a kilobyte until the unmount: 64 MiB at most. A damaged or hostile image may have any number of
// such entries.
constexpr size_t kMostPlaceholders = 65536;

}  // namespace

Mount::Mount(const MountOptions& options)
    : state_(options), scrubs_(std::make_unique<ScrubTable>()), inodes_(state_, *this) {}

Mount::~Mount() {
  if (auto status = close(); !status) log(LogLevel::error, "unmount: {}", status.error().message);
  root_.reset();
  inodes_.clear();
  if (state_.dirty_inodes != nullptr) {
    state_.dirty_inodes->release_written();
    state_.dirty_inodes->discard();
  }
  state_.engine.reset();
  if (state_.filesystem != nullptr) state_.filesystem->set_observer(nullptr);
  fsync_log_.reset();
  state_.dirty_inodes.reset();
  state_.filesystem.reset();
}

Result<std::unique_ptr<Mount>> Mount::open(std::unique_ptr<BlockDevice> device, const MountOptions& options) {
  return open(one_device(std::move(device)), options);
}

Result<std::unique_ptr<Mount>> Mount::open(BlockDevices devices, const MountOptions& options) {
  BF_TRY(check_mount_options(options));
  std::unique_ptr<Mount> mount(new Mount(options));
  if (std::all_of(devices.begin(), devices.end(), [](const auto& device) { return device->read_only(); }))
    mount->state_.options.read_only = true;
  if (options.fakeroot) {
    mount->state_.options.uids.make_root(geteuid());
    mount->state_.options.gids.make_root(getegid());
  }
  Status opened;
  try {
    opened = mount->open_trees(std::move(devices));
  } catch (const std::system_error& error) {
    opened = make_error(error.code().value(), "can't start a thread: {}", error.code().message());
  }
  if (opened) return mount;
  mount->closed_ = true;  // nothing was changed
  return tl::unexpected(std::move(opened).error());
}

namespace {

FilesystemOptions filesystem_options(const MountOptions& options, const MemoryBudget& budget) {
  FilesystemOptions result;
  result.tree_cache_bytes = budget.tree_cache_bytes;
  result.dirty_metadata_limit_bytes = budget.dirty_metadata_bytes;
  result.read_only = options.read_only;
  result.degraded = options.degraded;
  result.rescue = options.rescue;
  result.distrust_free_space_tree = options.clear_cache && !options.read_only;
  result.commit_interval_s = options.commit_interval_s;
  return result;
}

DataEngineOptions engine_options(const MountOptions& options, const MemoryBudget& budget) {
  constexpr uint64_t kLeastBytes = 16u << 20;  // half of it is the dirty limit of all writers together
  const uint64_t asked = options.cache_bytes;
  return {.cache_bytes = asked != 0 ? std::max(asked, kLeastBytes) : budget.page_cache_bytes,
          .max_inline = options.max_inline_bytes,
          .worker_threads = options.thread_pool};
}

}  // namespace

Status Mount::open_trees(BlockDevices devices) {
  if (state_.options.write_protected && state_.options.replay_log && has_log(devices)) {
    return make_error(
        EROFS,
        "{}: cannot mount read-only: a log tree must be replayed, and the source is write-protected "
        "(-o ro replays it in memory, -o ro,norecovery does without it)",
        devices.front()->path());
  }
  // Read now: once there are requests, /proc and /sys are out of reach.
  const MemoryBudget budget = MemoryBudget::within(memory_limit_bytes());
  const FilesystemOptions wanted = filesystem_options(state_.options, budget);
  const bool replays = state_.options.replay_log && !state_.options.rescue.may_change_trees();
  BF_ASSIGN(state_.filesystem, replays ? open_replayed(std::move(devices), wanted)
                                       : Filesystem::open(std::move(devices), wanted));
  state_.dirty_inodes = std::make_unique<DirtyInodes>(*state_.filesystem);
  limit_idle_inodes(budget.idle_inodes);
  if (state_.filesystem->wants_free_space_tree()) {
    const Status rebuilt = state_.filesystem->rebuild_free_space_tree();
    if (state_.filesystem->read_only()) BF_TRY(rebuilt);
    if (!rebuilt) log(LogLevel::warning, "the free space tree stays as it is: {}", rebuilt.error().message);
  }
  if (!state_.filesystem->read_only())
    if (const Status resynced = resync_stale_devices(*state_.filesystem); !resynced)
      log(LogLevel::warning, "a device stays stale: {}", resynced.error().message);
  if (state_.filesystem->has_stale_space_caches()) BF_TRY(state_.filesystem->give_up_old_space_caches());
  if (const auto removed = remove_free_space_leftovers(*state_.filesystem); !removed) {
    if (state_.filesystem->read_only() && !state_.options.read_only) return tl::unexpected(removed.error());
    log(LogLevel::warning, "the free space tree keeps what mkfs left in it: {}", removed.error().message);
  }
  if (state_.options.check_data_csums && !state_.filesystem->has_csum_tree()) {
    log(LogLevel::warning, "there is no checksum tree: data is read unchecked");
    state_.options.check_data_csums = false;
  }
  if (state_.options.discard && !is_read_only()) state_.filesystem->allocator().set_discard(true);
  state_.engine = DataEngine::create(*state_.filesystem, engine_options(state_.options, budget));
  state_.reader = std::make_unique<ExtentReader>(*state_.filesystem);
  state_.filesystem->set_commit_hook(this);
  fsync_log_ = std::make_unique<FsyncLog>(state_, inodes_);
  state_.filesystem->set_observer(fsync_log_.get());
  BF_ASSIGN(const uint64_t root_id, choose_subvolume());
  auto opened = subvolume(root_id);
  if (!opened) return make_error(opened.error().code, "subvolume {}: {}", root_id, opened.error().message);
  Subvolume* home = *opened;
  const Timespec now = current_time();
  node_ids_ = std::make_unique<NodeIds>(root_id, home->root_dirid,
                                        static_cast<uint64_t>(now.sec) * 1'000'000'000 + now.nsec);
  BF_ASSIGN(root_, inodes_.get({root_id, home->root_dirid}));
  if (!root_->is_dir())
    return make_error(EUCLEAN, "root inode {} of subvolume {} is no directory", root_->ino(), root_id);
  return {};
}

Result<uint64_t> Mount::choose_subvolume() {
  if (!state_.options.subvol) {
    if (state_.options.subvolid) return *state_.options.subvolid;
    return state_.filesystem->default_subvolume();
  }
  // A name may hold quotes and backslashes that are meant as such.
  auto found =
      subvolume_by_path(*state_.filesystem, *state_.reader, unescaped_option_value(*state_.options.subvol));
  if (!found) {
    if (auto literal = subvolume_by_path(*state_.filesystem, *state_.reader, *state_.options.subvol))
      found = std::move(literal);
  }
  if (!found)
    return make_error(found.error().code, "subvol={}: {}", *state_.options.subvol, found.error().message);
  const uint64_t root_id = *found;
  if (state_.options.subvolid && *state_.options.subvolid != root_id) {
    return make_error(EINVAL, "subvol={} is subvolume {}, not subvolid={}", *state_.options.subvol, root_id,
                      *state_.options.subvolid);
  }
  return root_id;
}

Status Mount::sync() {
  inodes_.deletions().finish();
  BF_TRY(state_.engine->flush_all());
  return state_.filesystem->commit();
}

// A mount that was never to write has nothing to lose; one that had to stop writing tells it (told_by_fsync).
Status Mount::make_durable(Inode& inode) {
  if (state_.options.read_only) return {};
  if (is_shut_down()) return make_error(EIO, "the file system was shut down");
  if (inode.is_placeholder() || inode.is_committed()) return {};
  return told_by_fsync(fsync_log_->sync(inode));
}

// Data first, then what was unlinked but open, then the last commit. The first error is told, and the others
// are tried all the same: what can still be saved is.
Status Mount::close() {
  if (std::exchange(closed_, true)) return {};
  Status first;
  auto keep = [&](Status status) {
    if (first && !status) first = std::move(status);
  };
  if (!is_read_only()) keep(state_.engine->flush_all());
  inodes_.forget_all();
  inodes_.deletions().stop();
  keep(state_.filesystem->close());
  state_.filesystem->set_commit_hook(nullptr);
  return first;
}

// The flag comes first: whoever meets the read-only file system then says EIO, not EROFS.
void Mount::shut_down() {
  state_.shut_down = true;
  state_.filesystem->turn_read_only({EIO, "shut down by ioctl"});
}

Status Mount::check_writable(const Inode& inode) const {
  if (state_.options.read_only) return make_error(EROFS, "mounted read-only");
  if (state_.shut_down) return make_error(EIO, "the file system was shut down");
  if (state_.filesystem->read_only()) return make_error(EROFS, "the file system turned read-only");
  if (inode.subvolume().read_only) return make_error(EROFS, "subvolume {} is read-only", inode.key().root_id);
  return {};
}

// Cheapest first, and each rung only when the attempt before it failed.
Result<Reservation> Mount::reserve_data(uint64_t bytes) {
  Allocator& allocator = state_.filesystem->allocator();
  const Rung write_back = [&] {
    state_.engine->write_all();
    return true;
  };
  const Rung commit = [&] { return state_.filesystem->commit_for_space(); };
  return climb_for_space([&] { return allocator.reserve(SpaceClass::data, bytes); }, {write_back, commit});
}

std::string Mount::stats_text() {
  return state_.engine->stats_text() + state_.filesystem->volume().stats_text() +
         fmt::format("inodes_in_memory {}\ninodes_looked_up {}\ntransid {}\n", inodes_.inodes(),
                     inodes_.lookups(), state_.filesystem->running_transid()) +
         request_counts_.text();
}

Result<std::unique_ptr<Subvolume>> Mount::open_subvolume(uint64_t root_id) {
  auto subvolume = std::make_unique<Subvolume>();
  subvolume->root_id = root_id;
  BF_ASSIGN(subvolume->tree, state_.filesystem->subvolume(root_id));
  BF_ASSIGN(const DiskRootItem root_item, state_.filesystem->root_item(root_id));
  subvolume->root_dirid = root_item.root_dirid;
  if (subvolume->root_dirid < objectid::kFirstFree || subvolume->root_dirid > objectid::kLastFree) {
    return make_error(EUCLEAN, "subvolume {}: bad root directory inode {}", root_id, subvolume->root_dirid);
  }
  subvolume->read_only = (root_item.flags & root_flag::kReadonly) != 0;
  if (!is_read_only()) {
    BF_ASSIGN(const uint64_t highest, highest_ino(*subvolume->tree));
    subvolume->next_ino = highest + 1;
  }
  return subvolume;
}

Result<Subvolume*> Mount::subvolume(uint64_t root_id) {
  if (root_id != objectid::kFsTree && root_id < objectid::kFirstFree)
    return make_error(ENOENT, "no subvolume {}", root_id);
  Subvolume* opened = nullptr;
  {
    MutexLock lock(subvolumes_mutex_);
    auto slot = subvolumes_.find(root_id);
    if (slot == subvolumes_.end()) {
      BF_ASSIGN(auto fresh, open_subvolume(root_id));
      slot = subvolumes_.emplace(root_id, std::move(fresh)).first;
    }
    opened = slot->second.get();
  }
  // Outside of the mutex, since deleting begins transactions and asks for this subvolume. Others may use it
  // meanwhile: orphans have no names, so nobody meets them but by number.
  if (!is_read_only() && !opened->orphans_cleaned.exchange(true)) {
    if (auto status = clean_orphans(*opened); !status) {
      log(LogLevel::warning, "subvolume {}: cleaning up orphans: {}", root_id, status.error().message);
    }
  }
  return opened;
}

Status Mount::clean_orphans(Subvolume& subvolume) {
  BF_ASSIGN(const std::vector<uint64_t> orphans, list_orphans(*subvolume.tree));
  Status first;
  for (uint64_t ino : orphans) {
    Status cleaned = clean_orphan(subvolume, ino);
    if (first && !cleaned) first = std::move(cleaned);  // the others can go all the same
  }
  return first;
}

// An unlinked inode is deleted as its pin ends. One that still has names is an orphan only by a truncate that
// old kernels were cut off in: its item already has the size to keep.
Status Mount::clean_orphan(Subvolume& subvolume, uint64_t ino) {
  auto inode = inodes_.get({subvolume.root_id, ino});
  if (inode && (*inode)->nlink() == 0) {
    (*inode)->set_unlinked(true);
    return {};
  }
  if (!inode && inode.error().code != ENOENT) return tl::unexpected(std::move(inode).error());
  BF_ASSIGN(TransactionHandle handle, state_.filesystem->begin_freeing(1, subvolume.root_id));
  return remove_orphan(*subvolume.tree, handle, ino);
}

Status Mount::open_tree(uint64_t root_id) {
  BF_TRY(subvolume(root_id));
  return {};
}

Result<std::shared_ptr<Inode>> Mount::load_inode(const InodeKey& key) {
  if (key.root_id == kPlaceholderRoot) return make_error(ESTALE, "placeholder {} is gone", key.ino);
  if (key.ino < objectid::kFirstFree || key.ino > objectid::kLastFree) {
    return make_error(EUCLEAN, "inode number {} is out of range", key.ino);
  }
  BF_ASSIGN(Subvolume * home, subvolume(key.root_id));
  BF_ASSIGN(const InodeItem item, read_inode_item(*home->tree, key.ino));
  return std::make_shared<Inode>(state_, *home, key.ino, item);
}

// The same entry gives the same inode while the mount lives; it holds nothing,
// so it is never dropped from the map.
Result<InodePtr> Mount::placeholder(const InodeKey& dir, uint64_t index) {
  MutexLock lock(subvolumes_mutex_);  // who finds the number finds the inode as well
  if (const auto known = placeholders_.find({dir, index}); known != placeholders_.end())
    return inodes_.get({kPlaceholderRoot, known->second});
  if (placeholders_.size() >= kMostPlaceholders)
    return make_error(EOVERFLOW, "more than {} entries of subvolumes that are not there", kMostPlaceholders);
  auto& home = subvolumes_[kPlaceholderRoot];
  if (home == nullptr) home = std::make_unique<Subvolume>();
  home->read_only = true;
  InodeItem item;
  item.mode = S_IFDIR | 0755;
  item.atime = item.mtime = item.ctime = item.otime = current_time();
  const InodeKey key{kPlaceholderRoot, ++last_placeholder_};
  auto made = inodes_.add(std::make_shared<Inode>(state_, *home, key.ino, item));
  inodes_.add_lookup(key);  // keeps it for good
  placeholders_[{dir, index}] = key.ino;
  return made;
}

void Mount::limit_idle_inodes(uint64_t inodes) {
  inodes_.set_idle_limit(inodes);
  state_.dirty_inodes->set_limit(inodes);
}

void Mount::finish_freeing() { inodes_.deletions().finish_while_it_moves(); }

// Flushing may need space, and so a commit of its own.
void Mount::prepare_commit() {
  if (!state_.options.flush_on_commit || preparing_.exchange(true)) return;
  state_.engine->write_all();
  preparing_ = false;
}

Status Mount::before_commit(TransactionHandle& handle) { return state_.dirty_inodes->write(handle); }

}  // namespace butterfuse
