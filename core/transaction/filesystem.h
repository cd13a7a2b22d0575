// SPDX-License-Identifier: GPL-2.0-or-later
// Filesystem: an open btrfs: its volume, its trees and its transactions. The engine's front door.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "core/alloc/allocator.h"
#include "core/base/mutex.h"
#include "core/base/result.h"
#include "core/btree/cursor.h"
#include "core/transaction/rescue.h"
#include "core/volume/volume.h"

namespace butterfuse {

class Filesystem;
class Transaction;   // transaction.h: the state of one running or committing transaction
class CommitDriver;  // commit.h: carries one transaction to the disk

struct FilesystemOptions {
  bool read_only = false;
  // The caller replays the log tree, if there is one, before it changes anything (core/log/replay.h).
  bool will_replay_log = false;
  // What is written reaches memory only (devices that are overlays): for a read-only mount with a log.
  bool in_memory = false;
  bool degraded = false;  // devices may be missing
  // The free space tree is not to be trusted (clear_cache), nor are old space caches: see
  // rebuild_free_space_tree and give_up_old_space_caches.
  bool distrust_free_space_tree = false;
  // Changes do not touch what quota groups count: they stay as they are. For repair.
  bool quotas_are_right = false;
  RescueOptions rescue = {};
  // 6144 blocks of 16 KiB. With fewer the leaves of a large tree are read again and again.
  uint64_t tree_cache_bytes = 96u << 20;
  uint32_t commit_interval_s = 30;  // 0: only on demand
  // Dirty tree blocks beyond this ask for a commit, so that nothing is unbounded. Half of the cache: the
  // other half is for what is only read. At twice the limit who begins must commit first.
  uint64_t dirty_metadata_limit_bytes = 48u << 20;
};

// A share in the running transaction: it can't commit while a handle lives. Get one from Filesystem::begin,
// keep it short, take no page lock or sleep for I/O of others while it lives. It is the CowContext of tree
// changes. Move-only. A handle destroyed after abort() leaves the file system read-only with the error.
class TransactionHandle final : public CowContext {
 public:
  TransactionHandle(TransactionHandle&& other) noexcept;
  ~TransactionHandle() override;
  uint64_t transid() const override;
  Filesystem& filesystem() { return *filesystem_; }

  Result<uint64_t> alloc_tree_block(uint64_t root, uint64_t parent, int level, const Key& first_key) override;
  Result<BlockRefs> lookup_tree_refs(uint64_t bytenr, int level) override;
  Status set_full_backref(uint64_t bytenr, int level) override;
  Status add_tree_ref(const TreeRef& ref) override;
  Status drop_tree_ref(const TreeRef& ref) override;
  Status add_data_ref(const DataRef& ref) override;
  Status drop_data_ref(const DataRef& ref) override;
  Status free_tree_block(const TreeRef& ref, uint64_t block_generation) override;

  // The first reference of a data extent that alloc_data gave out: the extent item will be inserted with it.
  Status insert_data_extent(const DataRef& ref);

  // Every reference to the data extent is `ref` (counted as often as the file shows parts of the extent):
  // what is written into it nobody else sees. May say no where it would take long to find out. Takes the
  // extent tree's shared lock.
  Result<bool> is_exclusive(const DataRef& ref);

  // Tells the observer. Every change of EXTENT_DATA items must.
  void note_file_extents(uint64_t root_id, uint64_t ino, ByteRange range);

  // Something failed half-way in a tree change: the transaction can never be committed.
  void abort(const Error& error);

 private:
  friend class Filesystem;
  friend class CommitDriver;
  // REQUIRES: the gate counted it in.
  TransactionHandle(Filesystem* filesystem, std::shared_ptr<Transaction> transaction,
                    Reservation reservation);
  void claim(uint64_t bytenr);
  void release_claim();
  void count_tree_block(uint64_t root, int sign, bool born_here);
  Status or_abort(Status status);

  Filesystem* filesystem_;
  std::shared_ptr<Transaction> transaction_;  // null once moved from
  Reservation metadata_;
  uint64_t claimed_ = 0;                         // the shared block that is being copied (block_claims.h)
  int64_t made_ = 0, most_made_ = 0;             // bytes of tree blocks, less what it freed again
  int exceptions_ = std::uncaught_exceptions();  // more when it is destroyed: a change was left in the middle
};

// Work that must reach the trees before a commit closes; Mount registers one, for dirty inode items.
class CommitHook {
 public:
  virtual ~CommitHook() = default;
  // Called before each commit, with handles still running; may begin and commit itself.
  virtual void prepare_commit() {}
  // Called before a commit that is to make room (commit_for_space): what frees some and is under way is to
  // end first. May begin and commit.
  virtual void finish_freeing() {}
  // Called with all other handles gone and joins blocked. Must not begin() or wait for anything that does.
  virtual Status before_commit(TransactionHandle& handle) = 0;
};

// Who wants to know what becomes of transactions: the log of fsyncs, which copies items as they change.
class TransactionObserver {
 public:
  virtual ~TransactionObserver() = default;
  // Items that say where a file's bytes in `range` lie change in `transid`. Called before or after the
  // change, with the tree's lock held or not; takes no more than a leaf lock.
  virtual void file_extents_changed(uint64_t root_id, uint64_t ino, ByteRange range, uint64_t transid) = 0;
  // The superblock of `transid` is on disk, last_committed() is still older:
  // the next one has no log there yet.
  virtual void after_commit(uint64_t transid) = 0;
};

// Thread-safe.
class Filesystem {
 public:
  // Reads chunk, root and the fixed trees. Refuses what Volume::open refuses, missing devices (ENODEV, but
  // see Volume::check_devices), and read-write what Volume::check_writable refuses, unknown compat_ro bits
  // (EROFS), a log tree that nobody says to replay (EROFS), a rescue by roots (EROFS), a device replace or a
  // relocation that was not finished (EROFS).
  static Result<std::unique_ptr<Filesystem>> open(BlockDevices devices, const FilesystemOptions& options);
  static Result<std::unique_ptr<Filesystem>> open(std::unique_ptr<BlockDevice> device,
                                                  const FilesystemOptions& options);
  ~Filesystem();  // stops the commit thread; does not commit: call close() first
  // Commits and stops. Idempotent.
  Status close();

  Volume& volume() { return *volume_; }
  TreeBlockCache& tree_cache() { return *cache_; }
  Allocator& allocator() { return *allocator_; }
  CommitDebt& commit_debt() { return commit_debt_; }  // for what the commit hook will write
  bool read_only() const { return read_only_; }
  uint32_t sectorsize() const { return volume_->sectorsize(); }
  uint32_t csum_size_bytes() const;
  bool has_incompat(uint64_t bit) const;
  // Sets an incompat bit of the next superblock (kCompressZstd when the first such extent is written).
  void set_incompat(uint64_t bit);

  // Of the superblock; set_label: of the next one. REQUIRES fewer than 256 bytes.
  std::string label() const;
  void set_label(const std::string& label);

  // ---- trees ----
  Tree& root_tree();
  Tree& csum_tree();     // REQUIRES has_csum_tree()
  bool has_csum_tree();  // always, but after a rescue from bad roots
  Tree& extent_tree();
  Tree& chunk_tree();
  Tree& dev_tree();
  Tree* free_space_tree();   // null where the feature is off
  Tree* block_group_tree();  // null where the feature is off
  Tree* uuid_tree();         // null when absent
  Tree* quota_tree();        // null when absent
  // A subvolume by id (kFsTree or >= kFirstFree), read on first use and then kept. ENOENT.
  Result<Tree*> subvolume(uint64_t root_id);
  // Its ROOT_ITEM as of the last commit, flags and uuid included.
  Result<DiskRootItem> root_item(uint64_t root_id);
  // The default subvolume: DIR_ITEM "default" of the root tree directory, else kFsTree.
  Result<uint64_t> default_subvolume();

  // ---- transactions ----
  // Joins the running transaction, starting one if none runs; waits while one is closing. Reserves metadata
  // for changing `items` items of the tree `root` (0: of any; then more is kept free). Commits and retries
  // once before ENOSPC (hence: hold no tree or page lock here). EROFS when read-only or after an abort.
  Result<TransactionHandle> begin(uint32_t items, uint64_t root = 0);
  // As begin, but with a reservation made before (delalloc's): can't fail with ENOSPC and never commits.
  Result<TransactionHandle> begin_reserved(Reservation metadata);
  // As begin, for work that frees space (unlink, truncate): may dip into the global reserve.
  Result<TransactionHandle> begin_freeing(uint32_t items, uint64_t root = 0);
  // What begin and begin_freeing do first: for those who take a lock that a commit may wait for in between.
  // An empty one when read-only: begin_reserved then says why.
  Result<Reservation> reserve_metadata(uint32_t items, uint64_t root = 0);
  Result<Reservation> reserve_metadata_freeing(uint32_t items, uint64_t root = 0);
  // Everything done before in any handle is on stable storage when it returns. Concurrent calls share
  // commits. The next transaction runs while this one's blocks are written.
  Status commit();
  // A commit as the last rung of climb_for_space: true, for what was freed since the last one can be had now.
  Result<bool> commit_for_space();
  uint64_t running_transid() const;
  uint64_t last_committed() const { return last_committed_; }
  // There is room for one more item of the tree that only the commit will write.
  bool has_room_for_debt(uint64_t root) const;
  // Makes that room: commits when it would not fit. As begin, hold no handle, tree or page lock here.
  void make_room_for_debt(uint64_t root);
  // Asks the commit thread to commit soon.
  void request_commit();
  void set_commit_interval(uint32_t seconds);
  void set_commit_hook(CommitHook* hook);  // null to remove
  // null to remove. REQUIRES that no transaction runs.
  void set_observer(TransactionObserver* observer) { observer_ = observer; }
  // Waits for the commit that is under way, if one is.
  void wait_for_commit_under_way();
  // Makes the last commit's superblock name this log root tree as well, and flushes. The log's blocks are
  // flushed already, and belong to `handle`'s transaction. REQUIRES that the one before it is committed. An
  // error turns the file system read-only.
  Status write_log_super(TransactionHandle& handle, const TreeRootPointer& log_root);
  // The image has the feature, but its free space tree is not valid or not trusted, and so not kept.
  bool wants_free_space_tree() const;
  // Writes that tree anew and commits. REQUIRES wants_free_space_tree(), and that nobody else uses the file
  // system. A tree that can't be read is an error that changes nothing.
  Status rebuild_free_space_tree();
  // Whether there are old space caches (core/free_space/old_space_caches.h) that were not kept up to date, or
  // are not trusted.
  bool has_stale_space_caches() const;
  // Gives up all of them, a few in each of several transactions.
  Status give_up_old_space_caches();
  // After an error that makes further writing unsafe.
  void turn_read_only(const Error& why);

 private:
  Filesystem() = default;
  friend class TransactionHandle;
  friend class CommitDriver;
  friend class FilesystemOpener;
  Result<TransactionHandle> join(Reservation reservation);
  Status commit_changes(bool flush_when_unchanged);
  // Before mirror 0 is first written over, and at the end: the others may be torn, or behind, since a crash.
  Status mend_supers_once();
  std::unique_ptr<Volume> volume_;
  std::unique_ptr<TreeBlockCache> cache_;
  CommitDebt commit_debt_;  // before the allocator, which reads it
  std::unique_ptr<Allocator> allocator_;
  std::atomic<bool> read_only_{false};
  std::atomic<uint64_t> last_committed_{0};
  TransactionObserver* observer_ = nullptr;
  struct State;  // the rest: filesystem_state.h
  std::unique_ptr<State> state_;
};

}  // namespace butterfuse
