// Readahead: fills the cache ahead of a sequential reader, several folios in parallel on a worker pool.
#pragma once

#include "core/base/mutex.h"
#include "core/writeback/file_state.h"

namespace butterfuse {

// Recognizes a sequential reader of one file and says how far ahead to read. Requests may come a little out
// of order, as the kernel sends several at once. Thread-safe.
class ReadaheadWindow {
 public:
  static constexpr uint64_t kFirstBytes = 256u << 10;
  static constexpr uint64_t kMostBytes = 4u << 20;

  // What to start reading now, beside the request itself; empty for random access.
  ByteRange advance(ByteRange request);

 private:
  static constexpr uint64_t kSlackBytes = 3u << 20;
  Mutex mutex_;
  uint64_t expected_ BF_GUARDED_BY(mutex_) = 0;   // end of the sequential stream so far
  uint64_t scheduled_ BF_GUARDED_BY(mutex_) = 0;  // end of what was started
  uint64_t window_ BF_GUARDED_BY(mutex_) = 0;
};

// Queues the missing folios of `range` on `readers`. Never waits; drops what the cache has no room for.
void start_readahead(FileState& file, Executor& readers, ByteRange range);

}  // namespace butterfuse
