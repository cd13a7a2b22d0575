// SPDX-License-Identifier: GPL-2.0-or-later
// InFlightLimit: how many async chunks may be between cut and finish: bounds the memory of compressed data.
#pragma once

#include <cstdint>
#include <utility>

#include "compress/executor.h"
#include "core/cache/stall.h"

namespace butterfuse {

// Thread-safe. Only writepages takes slots, and holds nothing that a worker waits for;
// workers give them back.
class InFlightLimit {
 public:
  class [[nodiscard]] Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept : limit_(std::exchange(other.limit_, nullptr)), lane_(other.lane_) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(limit_, other.limit_);
      std::swap(lane_, other.lane_);
      return *this;
    }
    ~Slot() {
      if (limit_) limit_->give_back(lane_);
    }

   private:
    friend class InFlightLimit;
    Slot(InFlightLimit* limit, Lane lane) : limit_(limit), lane_(lane) {}
    InFlightLimit* limit_ = nullptr;
    Lane lane_ = Lane::background;
  };

  InFlightLimit(uint64_t slots, StallHook stall) : slots_(slots), stall_(std::move(stall)) {}

  // Who finds all slots taken waits until a quarter is free: one wake-up for many chunks, not one for each.
  // For what is awaited there is a quarter more, and the next slot that comes free.
  Slot acquire(Lane lane = Lane::background) {
    if (lane == Lane::awaited) {
      acquire_awaited();
    } else {
      acquire_background();
    }
    return Slot(this, lane);
  }
  uint64_t taken() const {
    MutexLock lock(mutex_);
    return background_ + awaited_;
  }

 private:
  void acquire_background() {
    uint64_t most = slots_;
    wait_until(mutex_, freed_, stall_, [&]() BF_REQUIRES(mutex_) {
      if (counted() >= most) {
        most = slots_ - quarter();
        return false;
      }
      ++background_;
      return true;
    });
  }
  void acquire_awaited() {
    bool waits = false;
    wait_until(mutex_, freed_, stall_, [&]() BF_REQUIRES(mutex_) {
      const bool full = background_ + awaited_ >= slots_ + quarter();
      if (full != waits) awaited_waiters_ += full ? 1 : -1;
      waits = full;
      if (!full) ++awaited_;
      return !full;
    });
  }
  // The quarter of the others is not counted against a stream.
  uint64_t counted() const BF_REQUIRES(mutex_) {
    return background_ + (awaited_ > quarter() ? awaited_ - quarter() : 0);
  }
  uint64_t quarter() const { return slots_ / 4; }
  void give_back(Lane lane) {
    {
      MutexLock lock(mutex_);
      --(lane == Lane::awaited ? awaited_ : background_);
      if (counted() >= slots_ - quarter() && awaited_waiters_ == 0) return;
    }
    freed_.notify_all();
  }

  const uint64_t slots_;
  const StallHook stall_;
  mutable Mutex mutex_;
  CondVar freed_;
  uint64_t background_ BF_GUARDED_BY(mutex_) = 0, awaited_ BF_GUARDED_BY(mutex_) = 0;  // taken, of each lane
  int awaited_waiters_ BF_GUARDED_BY(mutex_) = 0;
};

}  // namespace butterfuse
