// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentState: delalloc bits and range locks under one small mutex.
//
// Both are here since both are looked at between the same two steps of the pipeline: a range is locked before
// its delalloc bits go. Locks are a list and not a tree: a file has as many as chunks of it are on their way
// through the pipeline.
//
// There is no queue of who waits: whoever wakes first takes the range. That is enough where all who take a
// range hold its page locks already, and so never wait for each other there.
#include "core/extent/extent_state.h"

#include <algorithm>

#include "core/base/assert.h"

namespace butterfuse {

ExtentRangeLock& ExtentRangeLock::operator=(ExtentRangeLock&& other) noexcept {
  if (this == &other) return *this;
  unlock();
  state_ = std::exchange(other.state_, nullptr);
  range_ = std::exchange(other.range_, {});
  return *this;
}

ExtentRangeLock ExtentRangeLock::take_front(uint64_t at) {
  BF_ASSERT(state_ != nullptr && at > range_.start && at <= range_.end, "range lock [{}, {}) cut at {}",
            range_.start, range_.end, at);
  if (at == range_.end) return std::move(*this);
  state_->split(range_, at);
  ExtentRangeLock front(state_, {range_.start, at});
  range_.start = at;
  return front;
}

void ExtentRangeLock::unlock() {
  if (!state_) return;
  std::exchange(state_, nullptr)->unlock(std::exchange(range_, {}));
}

ExtentState::~ExtentState() {
  MutexLock lock(mutex_);
  BF_ASSERT(delalloc_.empty() && locked_.empty(),
            "extent state ends with {} delalloc bytes and {} locked ranges", delalloc_.bytes(),
            locked_.size());
}

ExtentState::Change ExtentState::set_delalloc(ByteRange range) {
  MutexLock lock(mutex_);
  const uint64_t bytes = delalloc_.add(range);
  return {bytes, delalloc_.units()};
}

ExtentState::Change ExtentState::clear_delalloc(ByteRange range) {
  MutexLock lock(mutex_);
  const uint64_t bytes = delalloc_.remove(range);
  return {bytes, delalloc_.units()};
}

ByteRange ExtentState::delalloc_around(uint64_t position) const {
  MutexLock lock(mutex_);
  return delalloc_.around(position);
}

// Neighbours that touch are one range of the set: the one around the first byte is all there can be.
bool ExtentState::is_delalloc(ByteRange range) const {
  MutexLock lock(mutex_);
  return delalloc_.around(range.start).contains(range);
}

std::vector<ByteRange> ExtentState::not_delalloc(ByteRange range) const {
  MutexLock lock(mutex_);
  return delalloc_.gaps(range);
}

std::vector<ByteRange> ExtentState::delalloc_ranges() const {
  MutexLock lock(mutex_);
  return delalloc_.ranges();
}

uint64_t ExtentState::delalloc_bytes() const {
  MutexLock lock(mutex_);
  return delalloc_.bytes();
}

uint64_t ExtentState::outstanding_extents() const {
  MutexLock lock(mutex_);
  return delalloc_.units();
}

bool ExtentState::is_locked(ByteRange range) const {
  return std::any_of(locked_.begin(), locked_.end(),
                     [&](const Held& held) { return held.range.overlaps(range); });
}

std::list<ExtentState::Held>::iterator ExtentState::find_held(ByteRange range) {
  const auto held =
      std::find_if(locked_.begin(), locked_.end(), [&](const Held& one) { return one.range == range; });
  BF_ASSERT(held != locked_.end(), "range [{}, {}) is not locked", range.start, range.end);
  return held;
}

ExtentRangeLock ExtentState::lock(ByteRange range) {
  BF_ASSERT(!range.empty(), "empty range locked at {}", range.start);
  wait_until(mutex_, unlocked_, stall_, [&]() BF_REQUIRES(mutex_) {
    if (is_locked(range)) return false;
    locked_.push_back({range, next_sequence_++});
    return true;
  });
  return {this, range};
}

std::optional<ExtentRangeLock> ExtentState::try_lock(ByteRange range) {
  MutexLock lock(mutex_);
  if (is_locked(range)) return std::nullopt;
  locked_.push_back({range, next_sequence_++});
  return ExtentRangeLock(this, range);
}

void ExtentState::wait_held(ByteRange range) {
  uint64_t newest = 0;
  {
    MutexLock lock(mutex_);
    newest = next_sequence_ - 1;
  }
  wait_until(mutex_, unlocked_, stall_, [&]() BF_REQUIRES(mutex_) {
    return std::none_of(locked_.begin(), locked_.end(), [&](const Held& held) {
      return held.sequence <= newest && held.range.overlaps(range);
    });
  });
}

size_t ExtentState::locked_ranges() const {
  MutexLock lock(mutex_);
  return locked_.size();
}

void ExtentState::unlock(ByteRange range) {
  MutexLock lock(mutex_);
  locked_.erase(find_held(range));
  unlocked_.notify_all();
}

// Both parts keep the sequence: who waits for the whole waits for both.
void ExtentState::split(ByteRange whole, uint64_t at) {
  MutexLock lock(mutex_);
  const auto held = find_held(whole);
  locked_.push_back({{at, whole.end}, held->sequence});  // first: memory may run out in it
  held->range.end = at;
}

}  // namespace butterfuse
