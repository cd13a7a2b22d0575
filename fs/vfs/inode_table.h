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
#include "fs/vfs/inode.h"

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

// Two counts keep an inode: pins (operations and open files) and the kernel's look-ups, counted apart since a
// looked-up inode may leave memory and come back from the tree by its node id. An unlinked inode stays until
// both are zero, and is then deleted. Thread-safe; sharded by key. Lock order: shard mutex, then an inode's
// item mutex.
class InodeTable {
 public:
  explicit InodeTable(Mount& mount) : mount_(mount) {}
  ~InodeTable();

  // From memory, or loaded from its tree. ENOENT; ESTALE while it is being deleted.
  Result<InodePtr> get(const InodeKey& key);
  // A new inode that no one else can know yet.
  InodePtr add(std::shared_ptr<Inode> inode);
  // Takes back add(): the inode never came to be.
  void discard(const Inode& inode);

  void add_lookup(const InodeKey& key);
  void forget(const InodeKey& key, uint64_t count);
  // All look-ups are void: the kernel has let go of the mount.
  void forget_all();
  // Drops every inode. REQUIRES no pins.
  void clear();
  // How many inodes without pins are kept for the next one who asks. Before the first use.
  void set_idle_limit(uint64_t inodes);
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
  void finish_delete(Shard& shard, const std::shared_ptr<Inode>& inode);

  Mount& mount_;
  size_t idle_per_shard_ = 512;  // constant after the first use
  std::array<Shard, kShards> shards_;
  std::atomic<int64_t> commit_asked_{-1};  // the second it was last
};

}  // namespace butterfuse
