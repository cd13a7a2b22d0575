// SPDX-License-Identifier: GPL-2.0-or-later
// CompressionBackoff: after a piece that did not compress, how many of the next are not worth a try.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/mutex.h"

namespace butterfuse {

// Per file. 1, 2, 4, ... up to kMostSkipped pieces are skipped after each failure in a row; a success starts
// over. So a file whose beginning does not compress gets cheap new tries all along, and never loses more than
// 2 MiB to one bad piece. (The kernel flags the whole file instead.) Thread-safe.
class CompressionBackoff {
 public:
  static constexpr uint32_t kMostSkipped = 16;  // pieces of 128 KiB

  bool should_try() {
    MutexLock lock(mutex_);
    if (to_skip_ == 0) return true;
    --to_skip_;
    return false;
  }
  void failed() {
    MutexLock lock(mutex_);
    next_skip_ = std::clamp<uint32_t>(next_skip_ * 2, 1, kMostSkipped);
    to_skip_ = next_skip_;
  }
  void succeeded() {
    MutexLock lock(mutex_);
    next_skip_ = 0;
    to_skip_ = 0;
  }

 private:
  Mutex mutex_;
  uint32_t to_skip_ BF_GUARDED_BY(mutex_) = 0;
  uint32_t next_skip_ BF_GUARDED_BY(mutex_) = 0;
};

}  // namespace butterfuse
