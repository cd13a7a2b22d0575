// SPDX-License-Identifier: GPL-2.0-or-later
// OrderedExtents: who is on the way to disk, and who must wait for whom.
//
//     file        0        64K       128K
//     older       ├── A ────┤                      A is still being written
//     newer            ├── B ────┤                 B is on disk; it waits in waiting_, its thread is free
//                                                  A is removed ─> B finishes on A's thread
//
// Why order matters: finishing drops what the file had there and inserts the new item. Were B before A, A's
// older bytes would win. Nobody blocks for it: a worker that waited could be the one that A needs.
#include "core/extent/ordered_extent.h"

#include <algorithm>

#include "core/base/assert.h"

namespace butterfuse {

OrderedExtents::~OrderedExtents() {
  MutexLock lock(mutex_);
  BF_ASSERT(extents_.empty() && waiting_.empty(), "file ends with {} ordered extents", extents_.size());
}

void OrderedExtents::add(const OrderedExtentRef& ordered) {
  MutexLock lock(mutex_);
  ordered->sequence_ = next_sequence_++;
  extents_.add(ordered->file_, ordered->sequence_, ordered);
}

// The sequence of an older one, not of the group, that overlaps any of it; the newest such of the first that
// has any. Those of a group are few, are submitted and finished together, and may overlap each other.
std::optional<uint64_t> OrderedExtents::older_overlap(const std::vector<OrderedExtentRef>& group) const {
  const auto in_group = [&](const OrderedExtentRef& one) {
    return std::find(group.begin(), group.end(), one) != group.end();
  };
  for (const OrderedExtentRef& mine : group) {
    std::optional<uint64_t> newest;
    const Index::Entry* at = extents_.overlap_before(Index::kBehindAll, mine->file_);
    for (; at != nullptr; at = extents_.overlap_before(at->key, mine->file_)) {
      if (at->value->sequence_ < mine->sequence_ && !in_group(at->value))
        newest = std::max(newest.value_or(0), at->value->sequence_);
    }
    if (newest) return newest;
  }
  return std::nullopt;
}

void OrderedExtents::finish_in_order(const std::vector<OrderedExtentRef>& group,
                                     std::function<void()> finish) {
  {
    MutexLock lock(mutex_);
    if (const auto older = older_overlap(group)) {
      waiting_.emplace(*older, Waiting{group, std::move(finish)});
      return;
    }
  }
  finish();
}

void OrderedExtents::note_in_trees(const OrderedExtentRef& ordered) {
  MutexLock lock(mutex_);
  ordered->in_trees_ = true;
}

// Looks only at the groups that wait for this one: each goes on to wait for another, or is ready. Nodes move
// and nothing needs memory. Runs those that are ready without the mutex: they call back into this object.
void OrderedExtents::remove(const OrderedExtentRef& ordered) {
  std::multimap<uint64_t, Waiting> ready;
  {
    MutexLock lock(mutex_);
    const bool was_there = extents_.remove(ordered->file_, ordered->sequence_);
    BF_ASSERT(was_there, "ordered extent [{}, {}) finished twice", ordered->file_.start, ordered->file_.end);
    for (auto [at, end] = waiting_.equal_range(ordered->sequence_); at != end;) {
      auto node = waiting_.extract(at++);
      const auto older = older_overlap(node.mapped().group);
      node.key() = older.value_or(0);
      (older ? waiting_ : ready).insert(std::move(node));
    }
    if (ordered->awaited_) removed_.notify_all();
  }
  for (auto& [key, waiting] : ready) waiting.finish();
}

bool OrderedExtents::overlap(ByteRange range) const {
  MutexLock lock(mutex_);
  return extents_.overlap_before(Index::kBehindAll, range) != nullptr;
}

std::vector<ByteRange> OrderedExtents::pending() const {
  std::vector<ByteRange> result;
  MutexLock lock(mutex_);
  extents_.for_each([&](const OrderedExtentRef& one) {
    if (!one->in_trees_ && !one->dead_) result.push_back(one->file_);
  });
  return result;
}

void OrderedExtents::kill(ByteRange range) {
  MutexLock lock(mutex_);
  const Index::Entry* at = extents_.overlap_before(Index::kBehindAll, range);
  for (; at != nullptr; at = extents_.overlap_before(at->key, range)) {
    if (range.contains(at->value->file_)) at->value->dead_ = true;
  }
}

// For one after the other, the last in the file first: most of the others have gone by then, since they are
// submitted from the start of the file on. What was passed over is newer, and so is all that is added: it
// need not be looked at again.
void OrderedExtents::wait(ByteRange range) {
  uint64_t newest = 0;
  {
    MutexLock lock(mutex_);
    newest = next_sequence_ - 1;
  }
  Index::Key before = Index::kBehindAll;
  wait_until(mutex_, removed_, stall_, [&]() BF_REQUIRES(mutex_) {
    while (const Index::Entry* at = extents_.overlap_before(before, range)) {
      if (at->value->sequence_ <= newest) {
        at->value->awaited_ = true;
        return false;
      }
      before = at->key;
    }
    return true;
  });
}

size_t OrderedExtents::count() const {
  MutexLock lock(mutex_);
  return extents_.size();
}

}  // namespace butterfuse
