// SPDX-License-Identifier: GPL-2.0-or-later
// InodeTable: which inodes are in memory, who uses them, and when they leave.
#pragma once

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/result.h"
#include "fs/inode/deletions.h"
#include "fs/inode/inode.h"

namespace butterfuse {

class InodeTable;

// A pin: the inode stays in the table while it lives. Move-only. Its end may delete an unlinked inode, which
// begins a transaction: so let it outlive handles and locks (declare it before them).
class InodePtr {
 public:
  InodePtr() = default;
  InodePtr(InodePtr&& other) noexcept : table_(other.table_), inode_(std::move(other.inode_)) {
    other.table_ = nullptr;
  }
  InodePtr& operator=(InodePtr&& other) noexcept;
  ~InodePtr() { reset(); }
  void reset();
  Inode* operator->() const { return inode_.get(); }
  Inode& operator*() const { return *inode_; }
  Inode* get() const { return inode_.get(); }
  explicit operator bool() const { return inode_ != nullptr; }

 private:
  friend class InodeTable;
  InodePtr(InodeTable* table, std::shared_ptr<Inode> inode) : table_(table), inode_(std::move(inode)) {}
  InodeTable* table_ = nullptr;
  std::shared_ptr<Inode> inode_;
};

// Where inodes come from.
class InodeSource {
 public:
  virtual ~InodeSource() = default;
  // Before the first inode of a tree is loaded. ENOENT.
  virtual Status open_tree(uint64_t root_id) = 0;
  // Reads an inode item into a new object. ENOENT, ESTALE, EUCLEAN.
  virtual Result<std::shared_ptr<Inode>> load_inode(const InodeKey& key) = 0;
};

// Two counts keep an inode: pins (operations and open files) and the kernel's look-ups, counted apart
// since a looked-up inode may leave memory and come back from the tree by its node id. An unlinked inode
// stays until both are zero, and is then deleted. Thread-safe; sharded by key. Lock order: shard mutex,
// then an inode's item mutex.
class InodeTable {
 public:
  InodeTable(MountState& mount, InodeSource& source) : mount_(mount), source_(source) {}
  ~InodeTable();

  // From memory, or loaded from its tree. ENOENT; ESTALE while it is being deleted.
  Result<InodePtr> get(const InodeKey& key);
  // Waits while somebody else loads it. The first use of a subvolume deletes its orphans here, by
  // transactions: who holds a handle asks only for inodes of subvolumes that are in use already.
  // A new inode that no one else can know yet: its number was never given to anybody. Who guesses it is
  // waited for; he finds nothing in the tree.
  InodePtr add(std::shared_ptr<Inode> inode);
  // Takes back add(): the inode never came to be. Its pin may still live; its end does nothing then.
  void discard(const Inode& inode);

  // The kernel is about to be told of the inode: before the answer, since it may forget at once.
  void add_lookup(const InodeKey& key);
  // Takes `count` look-ups back. Like forget_all() it may delete inodes by transactions, unless there is a
  // thread for that (deletions()): hold no lock.
  void forget(const InodeKey& key, uint64_t count);
  // All look-ups are void: the kernel has let go of the mount.
  void forget_all();
  // Those that are under way.
  Deletions& deletions() { return deletions_; }
  // Drops every inode. REQUIRES no pins.
  void clear();
  // How many inodes without pins are kept for the next one who asks. Before the first use.
  void set_idle_limit(uint64_t inodes);
  // Of all shards, one after the other: for statistics.
  size_t inodes() const;
  size_t lookups() const;

 private:
  friend class InodePtr;
  enum class EntryState { loading, live, deleting };
  struct Entry {
    EntryState state = EntryState::loading;
    std::shared_ptr<Inode> inode;
  };
  struct Shard {
    mutable Mutex mutex;
    CondVar changed;
    std::unordered_map<InodeKey, Entry, InodeKeyHash> entries BF_GUARDED_BY(mutex);
    std::unordered_map<InodeKey, uint64_t, InodeKeyHash> lookups BF_GUARDED_BY(mutex);
    std::list<Inode*> idle BF_GUARDED_BY(mutex);  // without pins, longest first
  };
  // Nearly as many as there are workers (fs/session), which then seldom meet at one mutex. Each has its share
  // of the idle limit: of the least there is (MemoryBudget), 1024 inodes, that is 16.
  static constexpr size_t kShards = 64;

  Shard& shard_of(const InodeKey& key) { return shards_[InodeKeyHash{}(key) % kShards]; }
  InodePtr pin(Shard& shard, Entry& entry) BF_REQUIRES(shard.mutex);
  void unpin(const std::shared_ptr<Inode>& inode);
  // True when the caller must delete the inode now (its entry is `deleting`).
  bool retire(Shard& shard, Entry& entry) BF_REQUIRES(shard.mutex);
  void make_idle(Shard& shard, Inode& inode) BF_REQUIRES(shard.mutex);
  void make_busy(Shard& shard, Inode& inode) BF_REQUIRES(shard.mutex);
  std::vector<std::shared_ptr<Inode>> evict_some(Shard& shard) BF_REQUIRES(shard.mutex);
  void ask_for_commit();
  void finish_delete(const std::shared_ptr<Inode>& inode);

  MountState& mount_;
  InodeSource& source_;
  size_t idle_per_shard_ = 512;  // 32,768 in all, as MemoryBudget has it; constant after the first use
  std::array<Shard, kShards> shards_;
  std::atomic<int64_t> commit_asked_{-1};  // the second it was last
  Deletions deletions_{[this](const std::shared_ptr<Inode>& inode) { finish_delete(inode); }};
};

}  // namespace butterfuse
