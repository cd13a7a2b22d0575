// SPDX-License-Identifier: GPL-2.0-or-later
// Mount: one mounted file system: the engine, the inodes in memory, and the options they live under.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "fs/durability/fsync.h"
#include "fs/inode/inode_table.h"
#include "fs/inode/mount_state.h"
#include "fs/mount/node_ids.h"
#include "fs/mount/request_counts.h"
#include "fs/options/options.h"

namespace butterfuse {

class ScrubTable;

// Made by open(), ended by close() and its destructor. The operations above run on any thread in between.
class Mount final : public CommitHook, public InodeSource {
 public:
  // All devices of one file system, open, and locked by whoever opened them; read-only where all of them are.
  // EROFS: there is a log, and the source can't be written though nobody asked for `ro`. ENOENT, EINVAL: the
  // subvolume. Else as check_mount_options(), open_replayed() and Filesystem::open() have it, and threads
  // that can't be started.
  static Result<std::unique_ptr<Mount>> open(BlockDevices devices, const MountOptions& options);
  static Result<std::unique_ptr<Mount>> open(std::unique_ptr<BlockDevice> device,
                                             const MountOptions& options);
  ~Mount() override;

  // Writes back all data, deletes what was unlinked but open, commits and stops. First error. Idempotent.
  // REQUIRES that no operation runs; pins (open files) must be gone.
  Status close();
  // Writes back all data, deletes what is to be deleted, and commits.
  Status sync();

  // The inode and its names are on stable storage when it returns without error; its data, if it was written
  // back before. Hold no lock and no handle.
  Status make_durable(Inode& inode);

  const MountOptions& options() const { return state_.options; }
  MountState& state() { return state_; }
  Filesystem& filesystem() { return *state_.filesystem; }
  DataEngine& engine() { return *state_.engine; }
  ExtentReader& reader() { return *state_.reader; }
  FsyncLog& fsync_log() { return *fsync_log_; }
  InodeTable& inodes() { return inodes_; }
  NodeIds& node_ids() { return *node_ids_; }
  Inode& root() { return *root_; }
  ScrubTable& scrubs() { return *scrubs_; }
  RequestCounts& request_counts() { return request_counts_; }
  bool is_read_only() const { return state_.is_read_only(); }
  // As if the device were gone, for good: nothing is written any more (FS_IOC_SHUTDOWN).
  void shut_down();
  bool is_shut_down() const { return state_.shut_down; }
  // EIO after shut_down(); EROFS on a read-only mount, subvolume or placeholder, and where writing had to
  // stop. Whether the caller may write it is another question: EPERM never.
  Status check_writable(const Inode& inode) const;
  bool space_is_low() const { return state_.space_is_low(); }
  // Reserves data space. ENOSPC after writeback and a commit: what is hidden in dirty data that will
  // compress, in extents dropped but not yet accounted, or pinned until a commit, is used. Hold no
  // page lock and no handle.
  Result<Reservation> reserve_data(uint64_t bytes);
  std::string stats_text();
  // How many inodes without users are kept, and how many may wait for a commit. Before the first request.
  void limit_idle_inodes(uint64_t inodes);
  // See DirtyInodes::make_room.
  Status make_room_for_inodes() { return state_.dirty_inodes->make_room(); }
  SharedMutex& namespace_lock() { return state_.namespace_lock; }  // see MountState

  // A file tree by root id, opened on first use, its orphans deleted then. ENOENT.
  Result<Subvolume*> subvolume(uint64_t root_id);
  // The empty directory that stands for a stale subvolume entry: entry `index` of directory `dir`.
  Result<InodePtr> placeholder(const InodeKey& dir, uint64_t index);
  Status open_tree(uint64_t root_id) override;
  Result<std::shared_ptr<Inode>> load_inode(const InodeKey& key) override;

  void prepare_commit() override;  // flushoncommit
  void finish_freeing() override;  // deletions
  Status before_commit(TransactionHandle& handle) override;

 private:
  explicit Mount(const MountOptions& options);
  Status open_trees(BlockDevices devices);
  Result<uint64_t> choose_subvolume();
  Result<std::unique_ptr<Subvolume>> open_subvolume(uint64_t root_id);
  Status clean_orphans(Subvolume& subvolume);
  Status clean_orphan(Subvolume& subvolume, uint64_t ino);

  MountState state_;
  std::unique_ptr<FsyncLog> fsync_log_;
  std::unique_ptr<NodeIds> node_ids_;
  std::unique_ptr<ScrubTable> scrubs_;
  RequestCounts request_counts_;
  bool closed_ = false;

  Mutex subvolumes_mutex_;
  std::map<uint64_t, std::unique_ptr<Subvolume>> subvolumes_ BF_GUARDED_BY(subvolumes_mutex_);
  std::map<std::pair<InodeKey, uint64_t>, uint64_t> placeholders_ BF_GUARDED_BY(subvolumes_mutex_);
  uint64_t last_placeholder_ BF_GUARDED_BY(subvolumes_mutex_) = 0;
  std::atomic<bool> preparing_{false};

  InodeTable inodes_;  // behind all it refers to: members end from the last to the first
  InodePtr root_;
};

}  // namespace butterfuse
