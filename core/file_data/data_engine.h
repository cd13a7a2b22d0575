// SPDX-License-Identifier: GPL-2.0-or-later
// DataEngine: what all files of a mount share: page cache, worker pools, domains, counters, the flusher.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/result.h"

namespace butterfuse {

class Filesystem;

// The budgets, and how they hang together. All follow from the first, the page cache:
//
//     0                32 MiB                         96 MiB                                    192 MiB
//     |--- dirty ------|--- dirty, under writeback ---|--- clean, or being read: evictable -----|
//                      background                     limit                                cache budget
//
// Dirty pages can't be evicted: they must be written first. Readers and writers alike need pages that can be.
// So writers wait (throttle) when half of the cache is dirty or under writeback; of the other half who needs
// a page finds one without waiting for a device. Writeback of everything starts at a third of the limit:
// the two thirds between are what writers fill while workers compress and devices write, and only who is
// faster than those for longer than that comes to wait. (A file that is written in one go is written back
// before: Flusher::kEarlyBytes.) Active domains share the limit evenly, but each has a MiB, so that none
// waits for the data of another.
//
// On its way from pages to an extent data is in memory twice. What is compressed but not written yet is
// bounded by the chunks in flight (PipelineOptions): 32 of 512 KiB, four for each of the eight workers there
// are at most, so that none is idle while the runner waits for a slot; and a quarter more for what somebody
// waits for. These 20 MiB come on top of the cache.
//
// Time bounds what a power cut costs. Data is on its way to disk five seconds after it was written, without
// anybody asking, and durable with the commit behind that, 30 seconds later at most. Five seconds are enough
// for what is written and deleted again, as compilers do it, never to reach the disk.
//
// 192 MiB are what a daemon may take of a small machine beside the tree cache (96 MiB), changed tree blocks
// (48 MiB) and itself. Where memory is less, MemoryBudget of fs/mount makes the cache smaller, and the other
// numbers with it. More would be of little use: the kernel's page cache in front of ours holds what is read
// again and again. Ours is there to write from, and to read ahead into.
struct DataEngineOptions {
  uint64_t cache_bytes = 192u << 20;                        // page cache budget, dirty pages included
  uint64_t dirty_limit_bytes = cache_bytes / 2;             // all domains; writers are throttled at it
  uint64_t dirty_background_bytes = dirty_limit_bytes / 3;  // writeback starts at it
  uint32_t dirty_expire_ms = 5'000;                         // older dirty data is written back
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
  // The same for those who do not ask how it went (to gain space, ahead of a commit):
  // errors stay for flush_all and fsync.
  virtual void write_all() = 0;
  // Counters of the pipeline, one "name value" line each (user.butterfuse.stats).
  virtual std::string stats_text() const = 0;
  virtual void drop_clean_pages() = 0;

  struct Services;  // internal to the room: data_engine_services.h
  virtual Services& services() = 0;
};

}  // namespace butterfuse
