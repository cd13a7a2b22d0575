// SPDX-License-Identifier: GPL-2.0-or-later
// DirtyInodes: from the first change to the commit that writes it.
#include "fs/inode/dirty_inodes.h"

#include <algorithm>
#include <iterator>

namespace butterfuse {

DirtyInodes::~DirtyInodes() { discard(); }

Status DirtyInodes::make_room() {
  const uint64_t waiting = count_;
  if (waiting / 2 > limit_) return filesystem_.commit();
  if (waiting > limit_) filesystem_.request_commit();
  return {};
}

void DirtyInodes::add(DirtyInode& inode, bool owes_leaf) noexcept {
  auto shared = inode.weak_from_this().lock();
  if (shared == nullptr) return;  // it is being destroyed: nothing of it is kept
  MutexLock lock(mutex_);
  dirty_.push_back(std::move(shared));
  count_ = dirty_.size();
  if (!owes_leaf) return;
  const uint64_t root = inode.key().root_id;
  ++owed_leaves_[root];
  filesystem_.commit_debt().trees().add_inodes(root, 1);
}

// In the order of their keys: inodes of one leaf follow each other, and it is copied once. After an error the
// rest is not written; the commit fails with it. An inode that left the table meanwhile must not end here:
// its end waits for writeback, which waits for this commit.
Status DirtyInodes::write(TransactionHandle& handle) {
  List dirty;
  std::map<uint64_t, int64_t> owed;
  hook_transid_ = handle.transid();
  {
    MutexLock lock(mutex_);
    dirty.swap(dirty_);
    count_ = 0;
    owed.swap(owed_leaves_);
  }
  std::sort(dirty.begin(), dirty.end(), [](const auto& a, const auto& b) { return a->key() < b->key(); });
  Status status;
  for (auto inode = dirty.begin(); status && inode != dirty.end(); ++inode)
    status = (*inode)->write_if_dirty(handle);
  for (const auto& [root, inodes] : owed) filesystem_.commit_debt().trees().add_inodes(root, -inodes);
  MutexLock lock(mutex_);
  written_.insert(written_.end(), std::make_move_iterator(dirty.begin()),
                  std::make_move_iterator(dirty.end()));
  have_written_ = true;
  return status;
}

// Their ends may come back to this list: outside of its lock.
void DirtyInodes::release_written() {
  if (!have_written_.exchange(false)) return;
  List written;
  MutexLock lock(mutex_);
  written.swap(written_);
}

void DirtyInodes::discard() {
  List dirty;
  MutexLock lock(mutex_);
  dirty.swap(dirty_);
}

}  // namespace butterfuse
