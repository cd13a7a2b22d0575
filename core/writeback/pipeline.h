// Pipeline: what all files of a mount share on the way from dirty pages to extents.
#pragma once

#include <functional>

#include "compress/executor.h"
#include "compress/ordered_queue.h"
#include "core/cache/page_cache.h"
#include "core/cache/stall.h"
#include "core/ondisk/constants.h"
#include "core/writeback/error_sequence.h"
#include "core/writeback/in_flight_limit.h"
#include "core/writeback/pipeline_stats.h"
#include "core/writeback/writeback_backend.h"

namespace butterfuse {

class FileState;
struct AsyncChunk;

constexpr uint64_t kChunkBytes = 512u << 10;        // file data of one async chunk at most
constexpr uint64_t kPieceBytes = kFolioBytes;       // input of one codec call at most
constexpr uint64_t kWriteUnitBytes = 2u << 20;      // one write of an uncompressed extent
constexpr uint64_t kCompressBatchBytes = 4u << 20;  // pages writepages locks at once when they are compressed
constexpr uint64_t kPlainBatchBytes = 32u << 20;    // and when they are not
static_assert(kChunkBytes % kPieceBytes == 0);

struct PipelineOptions {
  uint32_t max_inline = 2048;
  uint64_t chunks_in_flight = 32;
};

// All references outlive it; REQUIRES its queue to be drained at the end.
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
        in_flight(options_.chunks_in_flight, stall_) {}

  WritebackBackend& backend;
  PageCache& cache;
  DomainRegistry& domains;
  Executor& workers;
  const PipelineOptions options;
  const StallHook stall;  // see core/cache/stall.h
  PipelineStats stats;
  ErrorSequence errors;  // of all files, for sync and unmount
  OrderedQueue
      async_cow;  // chunks of all files: compressed in parallel, submitted in the order they were cut
  InFlightLimit in_flight;

  // For readers and writers, before they lock anything: makes room in the page cache, waiting for writeback
  // when too little of it is clean. Gives up after a while: the budget is a promise to the machine, not worth
  // a dead lock.
  void wait_for_memory(uint64_t pages);

  // Tests look at (and break) each chunk as it is cut.
  std::function<void(AsyncChunk&)> chunk_observer;

  // Set once before the first file; empty in tests that need neither.
  std::function<void(FileState&)> on_dirty;  // the file has (more) dirty pages
  std::function<void()> kick_writeback;      // somebody waits for pages to be written
  std::function<void()> flush_everything;    // to turn worst-case promises into exact extents
};

}  // namespace butterfuse
