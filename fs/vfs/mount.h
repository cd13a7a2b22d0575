// Mount: one mounted file system: the engine, the inodes in memory, and the options they live under.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "core/read/extent_reader.h"
#include "core/transaction/filesystem.h"
#include "core/writeback/data_engine.h"
#include "fs/vfs/inode_table.h"
#include "fs/vfs/node_ids.h"
#include "fs/vfs/options.h"

namespace butterfuse {

class FsyncLog;
class ScrubTable;

// Made by open(), ended by close() and its destructor; the operations beside it (lookup.h, create.h, ...) run
// on any thread in between.
class Mount final : public CommitHook {
 public:
  static Result<std::unique_ptr<Mount>> open(BlockDevices devices, const MountOptions& options);
  static Result<std::unique_ptr<Mount>> open(std::unique_ptr<BlockDevice> device,
                                             const MountOptions& options);
  ~Mount() override;

  // Writes back all data, deletes what was unlinked but open, commits and stops. First error. Idempotent.
  // REQUIRES that no operation runs; pins (open files) must be gone.
  Status close();
  // Writes back all data and commits.
  Status sync();

  const MountOptions& options() const { return options_; }
  Filesystem& filesystem() { return *filesystem_; }
  DataEngine& engine() { return *engine_; }
  ExtentReader& reader() { return *reader_; }
  FsyncLog& fsync_log() { return *fsync_log_; }
  InodeTable& inodes() { return inodes_; }
  NodeIds& node_ids() { return *node_ids_; }
  Inode& root() { return *root_; }
  ScrubTable& scrubs() { return *scrubs_; }
  VerifiedBlocks& verified_blocks() { return verified_blocks_; }
  bool is_read_only() const { return options_.read_only || filesystem_->read_only(); }
  // As if the device were gone, for good: nothing is written any more (FS_IOC_SHUTDOWN).
  void shut_down();
  bool is_shut_down() const { return shut_down_; }
  // EIO after shut_down(); EROFS on a read-only mount, subvolume or placeholder; EPERM never.
  Status check_writable(const Inode& inode) const;
  // Little space is left: promises made by the kernel's writeback cache could not be kept.
  bool space_is_low();
  // A promise of data space. ENOSPC after writeback and a commit: what is hidden in dirty data that will
  // compress, in extents dropped but not yet accounted, or pinned until a commit, is used. Hold no page lock
  // and no handle.
  Result<Reservation> reserve_data(uint64_t bytes);
  std::string stats_text();
  // How many inodes without users are kept, and how many may wait for a commit. Before the first request.
  void limit_idle_inodes(uint64_t inodes);
  // What changed keeps its inode in memory until a commit: asks for one where there are many, waits for it where
  // there are twice as many. Hold no lock and no handle.
  Status make_room_for_inodes();

  // Create, link and unlink share it, rename and rmdir have it alone: so that these two may lock several
  // directories in any order. Outermost of all locks.
  SharedMutex& namespace_lock() { return namespace_lock_; }

  // A file tree by root id, opened on first use, its orphans deleted then. ENOENT.
  Result<Subvolume*> subvolume(uint64_t root_id);
  // The empty directory that stands for a stale subvolume entry: entry `index` of directory `dir`.
  Result<InodePtr> placeholder(const InodeKey& dir, uint64_t index);
  // Reads an inode item into a new object (for InodeTable).
  Result<std::shared_ptr<Inode>> load_inode(const InodeKey& key);

  // Ends inodes that the commit hook had in hand last: it must not wait for what they wait for. Cheap; called
  // when no transaction handle is held.
  void release_written();
  // The next commit writes this inode's item. (A change that is not remembered would be lost: without memory
  // the process ends here.)
  // `owes_leaf`: the commit will copy a leaf for it.
  void queue_dirty(Inode& inode, bool owes_leaf) noexcept;
  // The transaction whose commit has last begun to write inodes: who gets dirty from then on waits for the
  // next.
  uint64_t hook_transid() const { return hook_transid_; }
  void prepare_commit() override;  // flushoncommit
  Status before_commit(TransactionHandle& handle) override;

 private:
  explicit Mount(const MountOptions& options);
  Status open_trees(BlockDevices devices);
  Result<uint64_t> choose_subvolume();
  Result<std::unique_ptr<Subvolume>> open_subvolume(uint64_t root_id);
  void discard_dirty();
  Status clean_orphans(Subvolume& subvolume);
  Status clean_orphan(Subvolume& subvolume, uint64_t ino);

  MountOptions options_;
  std::unique_ptr<Filesystem> filesystem_;
  std::unique_ptr<FsyncLog> fsync_log_;
  std::unique_ptr<DataEngine> engine_;
  std::unique_ptr<ExtentReader> reader_;
  std::unique_ptr<NodeIds> node_ids_;
  std::unique_ptr<ScrubTable> scrubs_;
  VerifiedBlocks verified_blocks_{8u << 20};
  bool closed_ = false;

  SharedMutex namespace_lock_{Precedence::writers};
  Mutex subvolumes_mutex_;
  std::map<uint64_t, std::unique_ptr<Subvolume>> subvolumes_ BF_GUARDED_BY(subvolumes_mutex_);
  std::map<std::pair<InodeKey, uint64_t>, uint64_t> placeholders_ BF_GUARDED_BY(subvolumes_mutex_);
  uint64_t last_placeholder_ BF_GUARDED_BY(subvolumes_mutex_) = 0;
  Mutex dirty_mutex_;
  std::vector<std::shared_ptr<Inode>> dirty_ BF_GUARDED_BY(dirty_mutex_);
  std::map<uint64_t, int64_t> owed_leaves_
      BF_GUARDED_BY(dirty_mutex_);  // by tree, counted in the commit's debt
  std::vector<std::shared_ptr<Inode>> written_
      BF_GUARDED_BY(dirty_mutex_);  // by the hook, perhaps out of the table
  std::atomic<uint64_t> dirty_inodes_{0};  // how many are in dirty_
  uint64_t dirty_inodes_limit_ = UINT64_MAX;
  std::atomic<bool> have_written_{false};
  std::atomic<uint64_t> hook_transid_{0};
  std::atomic<bool> preparing_{false};
  std::atomic<bool> shut_down_{false};

  InodeTable inodes_;  // behind all it refers to
  InodePtr root_;
};

}  // namespace butterfuse
