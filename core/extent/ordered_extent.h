// SPDX-License-Identifier: GPL-2.0-or-later
// OrderedExtent: an extent whose bytes are on their way to disk and whose items are not in the trees yet.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/byte_range.h"
#include "core/base/mutex.h"
#include "core/cache/stall.h"
#include "core/extent/overlap_index.h"

namespace butterfuse {

// Made by the submit stage, ended by finish_ordered. The pipeline derives from it what it must carry along.
class OrderedExtent {
 public:
  explicit OrderedExtent(ByteRange file) : file_(file) {}
  virtual ~OrderedExtent() = default;
  OrderedExtent(const OrderedExtent&) = delete;
  OrderedExtent& operator=(const OrderedExtent&) = delete;

  ByteRange file() const { return file_; }
  // The file range was truncated or punched away: finish must not insert it.
  bool dead() const { return dead_; }

 private:
  friend class OrderedExtents;
  const ByteRange file_;
  std::atomic<bool> dead_{false};
  // Guarded by the mutex of OrderedExtents.
  uint64_t sequence_ = 0;
  bool in_trees_ = false;
  bool awaited_ = false;  // somebody sleeps in wait() until it is removed
};
using OrderedExtentRef = std::shared_ptr<OrderedExtent>;

// All ordered extents of one file, each with its place in the order they were made. Whatever is asked of a
// few of them costs as much as those, however many there are: random writes of one fsync may leave tens of
// thousands. Thread-safe.
class OrderedExtents {
 public:
  explicit OrderedExtents(StallHook stall = {}) : stall_(std::move(stall)) {}
  ~OrderedExtents();  // REQUIRES empty
  OrderedExtents(const OrderedExtents&) = delete;
  OrderedExtents& operator=(const OrderedExtents&) = delete;

  void add(const OrderedExtentRef& ordered);
  // Runs `finish` once no older extent overlaps any of `group`: at once on this thread, or later on
  // the thread that removes the last of those. So overlapping extents reach the trees in the order
  // they were made.
  void finish_in_order(const std::vector<OrderedExtentRef>& group, std::function<void()> finish);
  // Its items are in the trees of the running transaction: it is no longer pending. It stays among the others
  // until remove(): who waits for it may wait for its pages, too.
  void note_in_trees(const OrderedExtentRef& ordered);
  void remove(const OrderedExtentRef& ordered);  // finished, or failed: wakes who waits for it

  bool overlap(ByteRange range) const;
  // The file ranges of those that are not in the trees, and still meant to get there; in no order.
  std::vector<ByteRange> pending() const;
  // Marks those wholly inside `range` dead.
  void kill(ByteRange range);
  // Waits for those that overlap `range` now; newer ones are not waited for. The caller holds no lock of a
  // page in the range: finishing ends the writeback of its pages.
  void wait(ByteRange range);
  size_t count() const;

 private:
  using Index = OverlapIndex<OrderedExtentRef>;
  struct Waiting {
    std::vector<OrderedExtentRef> group;
    std::function<void()> finish;
  };
  std::optional<uint64_t> older_overlap(const std::vector<OrderedExtentRef>& group) const BF_REQUIRES(mutex_);

  const StallHook stall_;
  mutable Mutex mutex_;
  CondVar removed_;  // one that was awaited
  uint64_t next_sequence_ BF_GUARDED_BY(mutex_) = 1;
  Index extents_ BF_GUARDED_BY(mutex_);  // by sequence as id
  // Under the sequence of one that each group waits for; there may be more of them.
  std::multimap<uint64_t, Waiting> waiting_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
