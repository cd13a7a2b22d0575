// Mount: opening and closing, subvolumes, orphans, and the commit hook.
#include "fs/vfs/mount.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "core/base/log.h"
#include "core/log/replay.h"
#include "core/scrub/resync.h"
#include "core/transaction/free_space_leftovers.h"
#include "core/transaction/space_ladder.h"
#include "fs/vfs/clock.h"
#include "fs/vfs/fsync.h"
#include "fs/vfs/memory_budget.h"
#include "fs/vfs/option_words.h"
#include "fs/vfs/scrub_table.h"
#include "fs/vfs/subvolume_path.h"

namespace butterfuse {
namespace {

constexpr size_t kMostPlaceholders = 65536;  // each takes a kilobyte until the unmount

}  // namespace

Mount::Mount(const MountOptions& options)
    : options_(options), scrubs_(std::make_unique<ScrubTable>()), inodes_(*this) {}

Mount::~Mount() {
  if (auto status = close(); !status) log(LogLevel::error, "unmount: {}", status.error().message);
  root_.reset();
  inodes_.clear();
  release_written();
  discard_dirty();
  engine_.reset();
  if (filesystem_ != nullptr) filesystem_->set_observer(nullptr);
  fsync_log_.reset();
  filesystem_.reset();
}

Result<std::unique_ptr<Mount>> Mount::open(std::unique_ptr<BlockDevice> device, const MountOptions& options) {
  return open(one_device(std::move(device)), options);
}

Result<std::unique_ptr<Mount>> Mount::open(BlockDevices devices, const MountOptions& options) {
  BF_TRY(check_mount_options(options));
  std::unique_ptr<Mount> mount(new Mount(options));
  if (std::all_of(devices.begin(), devices.end(), [](const auto& device) { return device->read_only(); }))
    mount->options_.read_only = true;
  if (options.fakeroot) {
    mount->options_.uids.make_root(geteuid());
    mount->options_.gids.make_root(getegid());
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
  DataEngineOptions result;
  result.cache_bytes =
      options.cache_bytes != 0 ? std::max<uint64_t>(options.cache_bytes, 16u << 20) : budget.page_cache_bytes;
  result.dirty_limit_bytes = result.cache_bytes / 2;
  result.dirty_background_bytes = result.cache_bytes / 6;
  result.max_inline = options.max_inline_bytes;
  result.worker_threads = options.thread_pool;
  return result;
}

}  // namespace

Status Mount::open_trees(BlockDevices devices) {
  if (options_.write_protected && options_.replay_log && has_log(devices)) {
    return make_error(
        EROFS,
        "{}: cannot mount read-only: a log tree must be replayed, and the source is write-protected "
        "(-o ro replays it in memory, -o ro,norecovery does without it)",
        devices.front()->path());
  }
  // Read now: once there are requests, /proc and /sys are out of reach.
  const MemoryBudget budget = MemoryBudget::within(memory_limit_bytes());
  limit_idle_inodes(budget.idle_inodes);
  const FilesystemOptions wanted = filesystem_options(options_, budget);
  const bool replays = options_.replay_log && !options_.rescue.may_change_trees();
  BF_ASSIGN(filesystem_, replays ? open_replayed(std::move(devices), wanted)
                                 : Filesystem::open(std::move(devices), wanted));
  if (filesystem_->wants_free_space_tree()) {
    const Status rebuilt = filesystem_->rebuild_free_space_tree();
    if (filesystem_->read_only()) BF_TRY(rebuilt);
    if (!rebuilt) log(LogLevel::warning, "the free space tree stays as it is: {}", rebuilt.error().message);
  }
  if (!filesystem_->read_only())
    if (const Status resynced = resync_stale_devices(*filesystem_); !resynced)
      log(LogLevel::warning, "a device stays stale: {}", resynced.error().message);
  if (filesystem_->has_stale_space_caches()) BF_TRY(filesystem_->give_up_old_space_caches());
  if (const auto removed = remove_free_space_leftovers(*filesystem_); !removed) {
    if (filesystem_->read_only() && !options_.read_only) return tl::unexpected(removed.error());
    log(LogLevel::warning, "the free space tree keeps what mkfs left in it: {}", removed.error().message);
  }
  if (options_.check_data_csums && !filesystem_->has_csum_tree()) {
    log(LogLevel::warning, "there is no checksum tree: data is read unchecked");
    options_.check_data_csums = false;
  }
  if (options_.discard && !is_read_only()) filesystem_->allocator().set_discard(true);
  engine_ = DataEngine::create(*filesystem_, engine_options(options_, budget));
  reader_ = std::make_unique<ExtentReader>(*filesystem_);
  filesystem_->set_commit_hook(this);
  fsync_log_ = std::make_unique<FsyncLog>(*this);
  filesystem_->set_observer(fsync_log_.get());
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
  if (!options_.subvol) {
    if (options_.subvolid) return *options_.subvolid;
    return filesystem_->default_subvolume();
  }
  // A name may hold quotes and backslashes that are meant as such.
  auto found = subvolume_by_path(*filesystem_, *reader_, unescaped_option_value(*options_.subvol));
  if (!found) {
    if (auto literal = subvolume_by_path(*filesystem_, *reader_, *options_.subvol)) found = std::move(literal);
  }
  if (!found) return make_error(found.error().code, "subvol={}: {}", *options_.subvol, found.error().message);
  const uint64_t root_id = *found;
  if (options_.subvolid && *options_.subvolid != root_id) {
    return make_error(EINVAL, "subvol={} is subvolume {}, not subvolid={}", *options_.subvol, root_id,
                      *options_.subvolid);
  }
  return root_id;
}

Status Mount::sync() {
  BF_TRY(engine_->flush_all());
  return filesystem_->commit();
}

Status Mount::close() {
  if (std::exchange(closed_, true)) return {};
  Status first;
  auto keep = [&](Status status) {
    if (first && !status) first = std::move(status);
  };
  if (!is_read_only()) keep(engine_->flush_all());
  inodes_.forget_all();
  keep(filesystem_->close());
  filesystem_->set_commit_hook(nullptr);
  return first;
}

void Mount::shut_down() {
  shut_down_ = true;
  filesystem_->turn_read_only({EIO, "shut down by ioctl"});
}

Status Mount::check_writable(const Inode& inode) const {
  if (options_.read_only) return make_error(EROFS, "mounted read-only");
  if (shut_down_) return make_error(EIO, "the file system was shut down");
  if (filesystem_->read_only()) return make_error(EROFS, "the file system turned read-only");
  if (inode.subvolume().read_only) return make_error(EROFS, "subvolume {} is read-only", inode.key().root_id);
  return {};
}

bool Mount::space_is_low() {
  const StatfsNumbers numbers = filesystem_->allocator().statfs();
  return numbers.available < (64u << 20) + numbers.total / 32;
}

Result<Reservation> Mount::reserve_data(uint64_t bytes) {
  Allocator& allocator = filesystem_->allocator();
  const Rung write_back = [&] {
    engine_->write_all();
    return true;
  };
  const Rung commit = [&]() -> Result<bool> {
    BF_TRY(filesystem_->commit());
    return true;
  };
  return climb_for_space([&] { return allocator.reserve(SpaceClass::data, bytes); }, {write_back, commit});
}

std::string Mount::stats_text() {
  return engine_->stats_text() + filesystem_->volume().stats_text() +
         fmt::format("inodes_in_memory {}\ninodes_looked_up {}\ntransid {}\n", inodes_.inodes(),
                     inodes_.lookups(), filesystem_->running_transid());
}

Result<std::unique_ptr<Subvolume>> Mount::open_subvolume(uint64_t root_id) {
  auto subvolume = std::make_unique<Subvolume>();
  subvolume->root_id = root_id;
  BF_ASSIGN(subvolume->tree, filesystem_->subvolume(root_id));
  BF_ASSIGN(const DiskRootItem root_item, filesystem_->root_item(root_id));
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
  BF_ASSIGN(TransactionHandle handle, filesystem_->begin_freeing(1, subvolume.root_id));
  return remove_orphan(*subvolume.tree, handle, ino);
}

Result<std::shared_ptr<Inode>> Mount::load_inode(const InodeKey& key) {
  if (key.root_id == kPlaceholderRoot) return make_error(ESTALE, "placeholder {} is gone", key.ino);
  if (key.ino < objectid::kFirstFree || key.ino > objectid::kLastFree) {
    return make_error(EUCLEAN, "inode number {} is out of range", key.ino);
  }
  BF_ASSIGN(Subvolume * home, subvolume(key.root_id));
  BF_ASSIGN(const InodeItem item, read_inode_item(*home->tree, key.ino));
  return std::make_shared<Inode>(*this, *home, key.ino, item);
}

// The same entry gives the same inode while the mount lives; it holds nothing, so it is never dropped from
// the map.
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
  auto made = inodes_.add(std::make_shared<Inode>(*this, *home, key.ino, item));
  inodes_.add_lookup(key);  // keeps it for good
  placeholders_[{dir, index}] = key.ino;
  return made;
}

void Mount::queue_dirty(Inode& inode, bool owes_leaf) noexcept {
  auto shared = inode.weak_from_this().lock();
  if (shared == nullptr) return;  // it is being destroyed: nothing of it is kept
  MutexLock lock(dirty_mutex_);
  dirty_.push_back(std::move(shared));
  dirty_inodes_ = dirty_.size();
  if (!owes_leaf) return;
  const uint64_t root = inode.key().root_id;
  ++owed_leaves_[root];
  filesystem_->commit_debt().trees().add_inodes(root, 1);
}

void Mount::limit_idle_inodes(uint64_t inodes) {
  inodes_.set_idle_limit(inodes);
  dirty_inodes_limit_ = inodes;
}

Status Mount::make_room_for_inodes() {
  const uint64_t waiting = dirty_inodes_;
  if (waiting / 2 > dirty_inodes_limit_) return filesystem_->commit();
  if (waiting > dirty_inodes_limit_) filesystem_->request_commit();
  return {};
}

void Mount::discard_dirty() {
  std::vector<std::shared_ptr<Inode>> dirty;
  MutexLock lock(dirty_mutex_);
  dirty.swap(dirty_);
}

void Mount::release_written() {
  if (!have_written_.exchange(false)) return;
  std::vector<std::shared_ptr<Inode>> written;
  MutexLock lock(dirty_mutex_);
  written.swap(written_);
}

// Flushing may need space, and so a commit of its own.
void Mount::prepare_commit() {
  if (!options_.flush_on_commit || preparing_.exchange(true)) return;
  engine_->write_all();
  preparing_ = false;
}

// An inode that left the table meanwhile must not end here: its end waits for writeback, which waits for this
// commit.
Status Mount::before_commit(TransactionHandle& handle) {
  std::vector<std::shared_ptr<Inode>> dirty;
  std::map<uint64_t, int64_t> owed;
  hook_transid_ = handle.transid();
  {
    MutexLock lock(dirty_mutex_);
    dirty.swap(dirty_);
    dirty_inodes_ = 0;
    owed.swap(owed_leaves_);
  }
  std::sort(dirty.begin(), dirty.end(), [](const auto& a, const auto& b) { return a->key() < b->key(); });
  Status status;
  for (auto inode = dirty.begin(); status && inode != dirty.end(); ++inode)
    status = (*inode)->write_if_dirty(handle);
  for (const auto& [root, inodes] : owed) filesystem_->commit_debt().trees().add_inodes(root, -inodes);
  MutexLock lock(dirty_mutex_);
  written_.insert(written_.end(), std::make_move_iterator(dirty.begin()),
                  std::make_move_iterator(dirty.end()));
  have_written_ = true;
  return status;
}

}  // namespace butterfuse
