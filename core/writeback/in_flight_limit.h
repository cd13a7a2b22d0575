// InFlightLimit: how many async chunks may be between cut and finish; bounds the memory of compressed
// buffers.
#pragma once

#include <cstdint>
#include <utility>

#include "core/cache/stall.h"

namespace butterfuse {

// Thread-safe. Only writepages takes slots, and holds no resource a worker waits for; workers give them back.
class InFlightLimit {
 public:
  class [[nodiscard]] Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept : limit_(std::exchange(other.limit_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(limit_, other.limit_);
      return *this;
    }
    ~Slot() {
      if (limit_) limit_->give_back();
    }

   private:
    friend class InFlightLimit;
    explicit Slot(InFlightLimit* limit) : limit_(limit) {}
    InFlightLimit* limit_ = nullptr;
  };

  InFlightLimit(uint64_t slots, StallHook stall) : slots_(slots), stall_(std::move(stall)) {}

  // Who finds all slots taken waits until a quarter is free: one wake-up for many chunks instead of one for
  // each.
  Slot acquire() {
    uint64_t most = slots_;
    wait_until(mutex_, freed_, stall_, [&]() BF_REQUIRES(mutex_) {
      if (taken_ >= most) {
        most = low_water();
        return false;
      }
      ++taken_;
      return true;
    });
    return Slot(this);
  }
  uint64_t taken() const {
    MutexLock lock(mutex_);
    return taken_;
  }

 private:
  uint64_t low_water() const { return slots_ - slots_ / 4; }
  void give_back() {
    {
      MutexLock lock(mutex_);
      if (--taken_ >= low_water()) return;
    }
    freed_.notify_all();
  }

  const uint64_t slots_;
  const StallHook stall_;
  mutable Mutex mutex_;
  CondVar freed_;
  uint64_t taken_ BF_GUARDED_BY(mutex_) = 0;
};

}  // namespace butterfuse
