// SPDX-License-Identifier: GPL-2.0-or-later
// ReadaheadWindow: how far ahead of one reader of a file to read.
#pragma once

#include <cstdint>

#include "core/base/byte_range.h"
#include "core/base/mutex.h"

namespace butterfuse {

// Recognizes a sequential reader. Whoever reads has one, for one file: each open file its own, so that two
// readers of a file are not taken for one that jumps. Requests may come a little out of order, as the kernel
// sends several at once. Thread-safe.
//
// Nothing is known of a reader that begins at 0: many want the head of a file and no more. It gets as much
// again as it asked for; twice as much where that was more than kHeadBytes, which who wants the head only has
// no use for. Each request that goes on where the last one ended, and comes near the end of what was started,
// doubles the window, up to kMostBytes.
class ReadaheadWindow {
 public:
  static constexpr uint64_t kHeadBytes = 128u << 10;
  static constexpr uint64_t kMostBytes = 4u << 20;

  // What to start reading now, beside the request itself; empty for random access.
  ByteRange advance(ByteRange request);

 private:
  bool goes_on(ByteRange request) const BF_REQUIRES(mutex_);

  Mutex mutex_;
  uint64_t expected_ BF_GUARDED_BY(mutex_) = 0;   // end of the sequential stream so far
  uint64_t scheduled_ BF_GUARDED_BY(mutex_) = 0;  // end of what was started
  uint64_t window_ BF_GUARDED_BY(mutex_) = 0;     // 0: there is no stream
};

}  // namespace butterfuse
