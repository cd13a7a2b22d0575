// SPDX-License-Identifier: GPL-2.0-or-later
// ErrorSequence: errors of writeback, told once to every open file (errseq of Linux).
#pragma once

#include <optional>

#include "core/base/mutex.h"
#include "core/base/result.h"

namespace butterfuse {

// Thread-safe.
class ErrorSequence {
 public:
  void record(const Error& error) {
    MutexLock lock(mutex_);
    ++sequence_;
    told_ = false;
    last_ = error;
  }

  // The last error, if one came since `seen`; `seen` moves on.
  Status take(uint64_t& seen) {
    MutexLock lock(mutex_);
    if (seen == sequence_) return {};
    seen = sequence_;
    told_ = true;
    return tl::unexpected<Error>(last_);
  }

  // For those who watch a piece of work: where it begins, and the last error, if one came since. Takes
  // nothing from anybody.
  uint64_t position() const {
    MutexLock lock(mutex_);
    return sequence_;
  }
  Status since(uint64_t position) const {
    MutexLock lock(mutex_);
    if (position == sequence_) return {};
    return tl::unexpected<Error>(last_);
  }

  // Where a fresh open starts: an error that nobody was told yet is still ahead of it.
  uint64_t cursor() const {
    MutexLock lock(mutex_);
    return told_ ? sequence_ : sequence_ - 1;
  }

 private:
  mutable Mutex mutex_;
  uint64_t sequence_ BF_GUARDED_BY(mutex_) = 1;
  bool told_ BF_GUARDED_BY(mutex_) = true;
  Error last_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
