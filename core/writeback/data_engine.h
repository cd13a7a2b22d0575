// DataEngine: what all files of a mount share: page cache, worker pools, domains, counters, the flusher.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/writeback/file_data.h"

namespace butterfuse {

struct DataEngineOptions {
  uint64_t cache_bytes = 192u << 20;            // page cache budget, dirty pages included
  uint64_t dirty_limit_bytes = 96u << 20;       // all domains; writers are throttled at it
  uint64_t dirty_background_bytes = 32u << 20;  // writeback starts at it
  uint32_t dirty_expire_ms = 5'000;             // older dirty data is written back
  uint32_t max_inline = 2048;
  uint32_t worker_threads = 0;  // 0: min(ncpu + 2, 8)
};

class DataEngine {
 public:
  static std::unique_ptr<DataEngine> create(Filesystem& filesystem, const DataEngineOptions& options);
  // REQUIRES all FileData gone.
  virtual ~DataEngine() = default;
  // Writes back every dirty file and waits (sync, unmount). First error.
  virtual Status flush_all() = 0;
  // The same for those who write for another reason than a promise: the errors stay for flush_all and fsync.
  virtual void write_all() = 0;
  // Counters of the pipeline, one "name value" line each (user.butterfuse.stats).
  virtual std::string stats_text() const = 0;
  virtual void drop_clean_pages() = 0;

  struct Services;  // internal to the room: data_engine_services.h
  virtual Services& services() = 0;
};

}  // namespace butterfuse
