// SPDX-License-Identifier: GPL-2.0-or-later
// Pipeline: what all files of a mount share on the way from dirty pages to extents.
#pragma once

#include <functional>

#include "compress/executor.h"
#include "compress/ordered_queue.h"
#include "core/cache/page_cache.h"
#include "core/cache/stall.h"
#include "core/delalloc/batch_sizes.h"
#include "core/delalloc/error_sequence.h"
#include "core/delalloc/in_flight_limit.h"
#include "core/delalloc/pipeline_stats.h"
#include "core/delalloc/writeback_backend.h"
#include "core/ondisk/constants.h"

namespace butterfuse {

class FileState;
struct AsyncChunk;

struct PipelineOptions {
  uint32_t max_inline = 2048;
  uint64_t chunks_in_flight =
      32;  // 16 MiB of file data, and 4 of awaited: see the budgets in core/file_data/data_engine.h
};

// All references outlive it; REQUIRES its queues to be drained at the end.
class Pipeline {
 public:
  Pipeline(WritebackBackend& backend_, PageCache& cache_, DomainRegistry& domains_, Executor& workers_,
           const PipelineOptions& options_, StallHook stall_ = {})
      : backend(backend_),
        cache(cache_),
        domains(domains_),
        workers(workers_),
        options(options_),
        stall(stall_),
        async_cow(workers_),
        async_cow_awaited(workers_, Lane::awaited),
        in_flight(options_.chunks_in_flight, std::move(stall_)) {}

  WritebackBackend& backend;
  PageCache& cache;
  DomainRegistry& domains;
  Executor& workers;
  const PipelineOptions options;
  const StallHook stall;  // see core/cache/stall.h
  PipelineStats stats;
  ErrorSequence errors;  // of all files, for sync and unmount
  // Chunks of all files: compressed in parallel, submitted in the order they were cut in each lane; those of
  // one file are in one lane at a time.
  OrderedQueue async_cow, async_cow_awaited;
  OrderedQueue& async_cow_of(Lane lane) { return lane == Lane::awaited ? async_cow_awaited : async_cow; }
  InFlightLimit in_flight;

  // For readers and writers, before they lock anything: makes room in the page cache, waiting for writeback
  // when too little of it is clean. Gives up after a while: to keep the budget is not worth a deadlock.
  void wait_for_memory(uint64_t pages);

  // Tests look at (and break) each chunk as it is cut.
  std::function<void(AsyncChunk&)> chunk_observer;

  // Set once before the first file; empty in tests that need neither.
  std::function<void(FileState&)> on_dirty;  // the file has (more) dirty pages
  std::function<void()> kick_writeback;      // somebody waits for pages to be written
  std::function<void()> flush_everything;    // to turn worst-case promises into exact extents
};

}  // namespace butterfuse
