// OrderedExtents: who is on the way to disk, and who must wait for whom.
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
  extents_.push_back(ordered);
}

bool OrderedExtents::has_older_overlap(const std::vector<OrderedExtentRef>& group) const {
  const auto in_group = [&](const OrderedExtentRef& one) {
    return std::find(group.begin(), group.end(), one) != group.end();
  };
  for (const OrderedExtentRef& older : extents_) {
    for (const OrderedExtentRef& mine : group) {
      if (older->sequence_ < mine->sequence_ && older->file_.overlaps(mine->file_) && !in_group(older))
        return true;
    }
  }
  return false;
}

void OrderedExtents::finish_in_order(const std::vector<OrderedExtentRef>& group,
                                     std::function<void()> finish) {
  {
    MutexLock lock(mutex_);
    if (has_older_overlap(group)) {
      waiting_.push_back({group, std::move(finish)});
      return;
    }
  }
  finish();
}

void OrderedExtents::note_in_trees(const OrderedExtentRef& ordered) {
  MutexLock lock(mutex_);
  ordered->in_trees_ = true;
}

void OrderedExtents::remove(const OrderedExtentRef& ordered) {
  std::list<Waiting> ready;
  {
    MutexLock lock(mutex_);
    const auto at = std::find(extents_.begin(), extents_.end(), ordered);
    BF_ASSERT(at != extents_.end(), "ordered extent [{}, {}) finished twice", ordered->file_.start,
              ordered->file_.end);
    extents_.erase(at);
    for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
      const auto next = std::next(waiting);
      if (!has_older_overlap(waiting->group)) ready.splice(ready.end(), waiting_, waiting);
      waiting = next;
    }
    removed_.notify_all();
  }
  for (Waiting& waiting : ready) waiting.finish();
}

std::vector<OrderedExtentRef> OrderedExtents::overlapping(ByteRange range) const {
  std::vector<OrderedExtentRef> result;
  MutexLock lock(mutex_);
  for (const OrderedExtentRef& one : extents_) {
    if (one->file_.overlaps(range)) result.push_back(one);
  }
  return result;
}

std::vector<ByteRange> OrderedExtents::pending() const {
  std::vector<ByteRange> result;
  MutexLock lock(mutex_);
  for (const OrderedExtentRef& one : extents_) {
    if (!one->in_trees_ && !one->dead_) result.push_back(one->file_);
  }
  return result;
}

void OrderedExtents::kill(ByteRange range) {
  MutexLock lock(mutex_);
  for (const OrderedExtentRef& one : extents_) {
    if (range.contains(one->file_)) one->dead_ = true;
  }
}

void OrderedExtents::wait(ByteRange range) {
  uint64_t newest = 0;
  {
    MutexLock lock(mutex_);
    newest = next_sequence_ - 1;
  }
  wait_until(mutex_, removed_, stall_, [&]() BF_REQUIRES(mutex_) {
    return std::none_of(extents_.begin(), extents_.end(), [&](const OrderedExtentRef& one) {
      return one->sequence_ <= newest && one->file_.overlaps(range);
    });
  });
}

size_t OrderedExtents::count() const {
  MutexLock lock(mutex_);
  return extents_.size();
}

}  // namespace butterfuse
