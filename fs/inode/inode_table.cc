// SPDX-License-Identifier: GPL-2.0-or-later
// InodeTable: loading once, counting exactly, evicting the clean, deleting the unlinked.
//
// The life of an entry, from top to bottom:
//
//     get of a number        add of a new inode
//            |                       |
//         loading  --- error --->    |   no entry again: whoever waited tries by himself
//            |                       |
//            +--------> live <-------+
//                        |  ^
//        last pin gone   |  |  get
//                        v  |
//      +--- and then: ----+--+------------------------+
//      | has a name:     | unlinked, looked up:      | unlinked, no look-ups:
//      | idle            | stays as it is, until     | deleting; get says ESTALE
//      v                 v forget comes              v
//   evicted, when it is the oldest,                no entry, no items
//   clean, and there are too many
//
// Only what has a name is ever idle, so an unlinked inode leaves memory by its deletion alone. That is why
// look-ups can be counted apart, by key: forget() of a number that is not in memory has nothing to delete.
//
// The deletion begins transactions, which wait for commits, which write inodes: so it runs without the
// shard's mutex, and the state `deleting` keeps everybody else away meanwhile. Who made the entry `deleting`
// is the one who deletes. After an error, or a crash, the orphan item is still in the tree, and the next
// writable use of the subvolume does it.
#include "fs/inode/inode_table.h"

#include <algorithm>
#include <chrono>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/base/out_of_memory.h"
#include "fs/inode/delete_inode.h"

namespace butterfuse {

void InodeTable::set_idle_limit(uint64_t inodes) { idle_per_shard_ = std::max<size_t>(1, inodes / kShards); }

InodePtr& InodePtr::operator=(InodePtr&& other) noexcept {
  if (this != &other) {
    reset();
    table_ = std::exchange(other.table_, nullptr);
    inode_ = std::move(other.inode_);
  }
  return *this;
}

void InodePtr::reset() {
  if (inode_ == nullptr) return;
  std::exchange(table_, nullptr)->unpin(inode_);
  inode_.reset();
}

InodeTable::~InodeTable() {
  deletions_.stop();
  clear();
}

InodePtr InodeTable::pin(Shard& shard, Entry& entry) {
  make_busy(shard, *entry.inode);
  ++entry.inode->pins_;
  return InodePtr(this, entry.inode);
}

void InodeTable::make_idle(Shard& shard, Inode& inode) {
  if (inode.idle_) return;
  inode.idle_ = true;
  inode.idle_position_ = shard.idle.insert(shard.idle.end(), &inode);
}

void InodeTable::make_busy(Shard& shard, Inode& inode) {
  if (!inode.idle_) return;
  inode.idle_ = false;
  shard.idle.erase(inode.idle_position_);
}

Result<InodePtr> InodeTable::get(const InodeKey& key) {
  Shard& shard = shard_of(key);
  {
    MutexLock lock(shard.mutex);
    const auto slot = shard.entries.find(key);
    if (slot != shard.entries.end() && slot->second.state == EntryState::live)
      return pin(shard, slot->second);
  }
  // The first use of a subvolume asks for its orphans here: nobody must wait for this key meanwhile.
  if (key.root_id != kPlaceholderRoot) BF_TRY(source_.open_tree(key.root_id));
  {
    MutexLock lock(shard.mutex);
    for (;;) {
      auto [slot, fresh] = shard.entries.try_emplace(key);
      if (fresh) break;  // ours to load
      if (slot->second.state == EntryState::live) return pin(shard, slot->second);
      if (slot->second.state == EntryState::deleting)
        return make_error(ESTALE, "inode {} is being deleted", key.ino);
      shard.changed.wait(lock);
    }
  }
  Result<std::shared_ptr<Inode>> loaded = or_no_memory([&] { return source_.load_inode(key); });
  MutexLock lock(shard.mutex);
  shard.changed.notify_all();
  auto slot = shard.entries.find(key);
  if (!loaded) {
    shard.entries.erase(slot);
    return tl::unexpected(std::move(loaded).error());
  }
  slot->second.inode = std::move(*loaded);
  slot->second.state = EntryState::live;
  return pin(shard, slot->second);
}

InodePtr InodeTable::add(std::shared_ptr<Inode> inode) {
  Shard& shard = shard_of(inode->key());
  MutexLock lock(shard.mutex);
  for (;;) {
    auto [slot, fresh] = shard.entries.try_emplace(inode->key());
    if (fresh) {
      slot->second = {EntryState::live, std::move(inode)};
      return pin(shard, slot->second);
    }
    // Somebody asks for a number that nobody gave him: he will not find it.
    BF_ASSERT(slot->second.state == EntryState::loading, "inode {} of root {} is in the table already",
              inode->ino(), inode->key().root_id);
    shard.changed.wait(lock);
  }
}

void InodeTable::discard(const Inode& inode) {
  Shard& shard = shard_of(inode.key());
  MutexLock lock(shard.mutex);
  shard.entries.erase(inode.key());
}

// A read-only mount deletes nothing: the inode stays until clear(), its orphan item on disk.
bool InodeTable::retire(Shard& shard, Entry& entry) {
  Inode& inode = *entry.inode;
  if (inode.pins_ != 0 || entry.state != EntryState::live) return false;
  if (!inode.is_unlinked()) {
    make_idle(shard, inode);
    return false;
  }
  if (shard.lookups.contains(inode.key()) || mount_.is_read_only()) return false;
  make_busy(shard, inode);
  entry.state = EntryState::deleting;
  return true;
}

void InodeTable::unpin(const std::shared_ptr<Inode>& inode) {
  mount_.dirty_inodes->release_written();
  Shard& shard = shard_of(inode->key());
  std::vector<std::shared_ptr<Inode>> evicted;  // they end after the lock is gone
  bool must_delete = false, crowded = false;
  {
    MutexLock lock(shard.mutex);
    --inode->pins_;
    auto slot = shard.entries.find(inode->key());
    if (slot == shard.entries.end() || slot->second.inode != inode) return;  // discarded
    must_delete = retire(shard, slot->second);
    if (shard.idle.size() > idle_per_shard_) evicted = evict_some(shard);
    crowded = shard.idle.size() > idle_per_shard_ + idle_per_shard_ / 4;
  }
  if (crowded) ask_for_commit();
  if (must_delete) deletions_.add(inode);
}

// What is too many and can't be evicted waits for a commit. One a second: it may wait for more than that.
void InodeTable::ask_for_commit() {
  const int64_t now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::seconds(1);
  if (commit_asked_.exchange(now) != now) mount_.filesystem->request_commit();
}

// More than one for each that comes, so that a crowd gets smaller; few, since whoever unpins pays for it.
// What is not clean goes to the end of the line: it would be met again and again before the next commit.
std::vector<std::shared_ptr<Inode>> InodeTable::evict_some(Shard& shard) {
  std::vector<std::shared_ptr<Inode>> evicted;
  for (int tries = 0; tries < 4 && shard.idle.size() > idle_per_shard_; ++tries) {
    Inode& oldest = *shard.idle.front();
    if (!oldest.is_clean()) {
      shard.idle.splice(shard.idle.end(), shard.idle, shard.idle.begin());
      continue;
    }
    make_busy(shard, oldest);
    auto slot = shard.entries.find(oldest.key());
    evicted.push_back(std::move(slot->second.inode));
    shard.entries.erase(slot);
  }
  return evicted;
}

// Inside no lock. Whatever came of it, the item is never written again: it may be gone.
void InodeTable::finish_delete(const std::shared_ptr<Inode>& inode) {
  if (auto status = or_no_memory([&] { return delete_inode(mount_, *inode); }); !status) {
    log(LogLevel::error, "deleting inode {} of root {}: {}", inode->ino(), inode->key().root_id,
        status.error().message);
  }
  inode->forget_item();
  Shard& shard = shard_of(inode->key());
  MutexLock lock(shard.mutex);
  shard.entries.erase(inode->key());
  shard.changed.notify_all();
}

void InodeTable::add_lookup(const InodeKey& key) {
  Shard& shard = shard_of(key);
  MutexLock lock(shard.mutex);
  ++shard.lookups[key];
}

void InodeTable::forget(const InodeKey& key, uint64_t count) {
  Shard& shard = shard_of(key);
  std::shared_ptr<Inode> dead;
  {
    MutexLock lock(shard.mutex);
    auto lookups = shard.lookups.find(key);
    if (lookups == shard.lookups.end()) return;
    lookups->second -= std::min(lookups->second, count);
    if (lookups->second != 0) return;
    shard.lookups.erase(lookups);
    auto slot = shard.entries.find(key);
    if (slot != shard.entries.end() && slot->second.inode && retire(shard, slot->second))
      dead = slot->second.inode;
  }
  if (dead) deletions_.add(dead);
}

void InodeTable::forget_all() {
  for (Shard& shard : shards_) {
    std::vector<std::shared_ptr<Inode>> dead;
    {
      MutexLock lock(shard.mutex);
      shard.lookups.clear();
      for (auto& [key, entry] : shard.entries) {
        if (entry.inode && retire(shard, entry)) dead.push_back(entry.inode);
      }
    }
    for (auto& inode : dead) deletions_.add(inode);
  }
}

void InodeTable::clear() {
  for (Shard& shard : shards_) {
    std::unordered_map<InodeKey, Entry, InodeKeyHash> entries;
    MutexLock lock(shard.mutex);
    shard.idle.clear();
    entries.swap(shard.entries);
  }
}

size_t InodeTable::inodes() const {
  size_t sum = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    sum += shard.entries.size();
  }
  return sum;
}

size_t InodeTable::lookups() const {
  size_t sum = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    sum += shard.lookups.size();
  }
  return sum;
}

}  // namespace butterfuse
