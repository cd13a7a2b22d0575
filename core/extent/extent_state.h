// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentState: what btrfs's extent_state tree says of a file's bytes: DELALLOC, and who has a range locked.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/byte_range.h"
#include "core/base/mutex.h"
#include "core/cache/stall.h"
#include "core/extent/range_set.h"

namespace butterfuse {

class ExtentState;

// A range of a file locked by whoever holds this value; the destructor unlocks it. Move-only, on any thread.
// Lock order: page locks first, then the range.
class [[nodiscard]] ExtentRangeLock {
 public:
  ExtentRangeLock() = default;
  ExtentRangeLock(ExtentRangeLock&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), range_(std::exchange(other.range_, {})) {}
  ExtentRangeLock& operator=(ExtentRangeLock&& other) noexcept;
  ~ExtentRangeLock() { unlock(); }

  ByteRange range() const { return range_; }
  explicit operator bool() const { return state_ != nullptr; }
  // The part before `at` becomes a lock of its own. REQUIRES `at` behind the start, at most at the end: there
  // the whole lock goes over and this one is empty.
  ExtentRangeLock take_front(uint64_t at);
  void unlock();

 private:
  friend class ExtentState;
  ExtentRangeLock(ExtentState* state, ByteRange range) : state_(state), range_(range) {}
  ExtentState* state_ = nullptr;
  ByteRange range_;
};

// Thread-safe. `unit`: at the worst, each aligned unit of delalloc becomes an extent of its own
// (outstanding extents).
class ExtentState {
 public:
  explicit ExtentState(uint64_t unit, StallHook stall = {}) : stall_(std::move(stall)), delalloc_(unit) {}
  ~ExtentState();  // REQUIRES no delalloc and no locked range
  ExtentState(const ExtentState&) = delete;
  ExtentState& operator=(const ExtentState&) = delete;

  // What the caller must keep promised, or may give back: space follows from both numbers.
  struct Change {
    uint64_t bytes = 0;          // that changed
    uint64_t extents_after = 0;  // outstanding extents of the whole file
  };
  Change set_delalloc(ByteRange range);
  Change clear_delalloc(ByteRange range);

  // The whole range, also what of it lies before `position`.
  ByteRange delalloc_around(uint64_t position) const;          // empty: not delalloc
  bool is_delalloc(ByteRange range) const;                     // all of it
  std::vector<ByteRange> not_delalloc(ByteRange range) const;  // its parts that are not, in order
  std::vector<ByteRange> delalloc_ranges() const;
  uint64_t delalloc_bytes() const;
  uint64_t outstanding_extents() const;

  ExtentRangeLock lock(ByteRange range);  // waits for those that overlap
  // Nothing where a part of it is locked; does not wait.
  std::optional<ExtentRangeLock> try_lock(ByteRange range);
  // Waits until the locks that overlap `range` now are gone; newer ones are not waited for.
  void wait_held(ByteRange range);
  size_t locked_ranges() const;

 private:
  friend class ExtentRangeLock;
  struct Held {
    ByteRange range;
    uint64_t sequence = 0;
  };
  bool is_locked(ByteRange range) const BF_REQUIRES(mutex_);
  std::list<Held>::iterator find_held(ByteRange range) BF_REQUIRES(mutex_);
  void unlock(ByteRange range);
  void split(ByteRange whole, uint64_t at);

  const StallHook stall_;
  mutable Mutex mutex_;
  CondVar unlocked_;
  RangeSet delalloc_ BF_GUARDED_BY(mutex_);
  std::list<Held> locked_ BF_GUARDED_BY(mutex_);
  uint64_t next_sequence_ BF_GUARDED_BY(mutex_) = 1;
};

}  // namespace butterfuse
