// SPDX-License-Identifier: GPL-2.0-or-later
// DataEngine: puts the parts together.
#include "core/file_data/data_engine_services.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "core/file_data/engine_backend.h"
#include "core/writeback/writepages.h"

namespace butterfuse {
namespace {

size_t worker_count(uint32_t wanted) {
  if (wanted != 0) return wanted;
  return std::min<size_t>(std::thread::hardware_concurrency() + 2, 8);
}

std::unique_ptr<Executor> pool_unless(Executor* given, size_t threads, const char* name,
                                      std::function<size_t()> allowed = {}) {
  return given ? nullptr : make_thread_pool(threads, name, std::move(allowed));
}

// While several domains write, the workers leave one processor to requests: one domain's writeback would else
// hold up another's small write until a worker's time slice ends.
size_t workers_allowed(const DomainRegistry& domains) {
  static const size_t processors = std::thread::hardware_concurrency();  // it reads a file
  return domains.contended() ? std::max<size_t>(processors, 2) - 1 : SIZE_MAX;
}

class DataEngineImpl final : public DataEngine {
 public:
  DataEngineImpl(DataEngineParts parts, const DataEngineOptions& options)
      : services_(std::move(parts), options) {}

  void write_all() override { services_.flush_all_files(); }

  Status flush_all() override {
    services_.flush_all_files();
    MutexLock lock(mutex_);
    return services_.pipeline.errors.take(errors_seen_);
  }

  std::string stats_text() const override {
    std::string text = services_.pipeline.stats.to_text();
    const auto add = [&text](const char* name, uint64_t value) {
      text += fmt::format("{} {}\n", name, value);
    };
    add("cache_resident_bytes", services_.cache.resident_bytes());
    add("cache_budget_bytes", services_.cache.budget_bytes());
    add("cache_evicted_pages", services_.cache.evicted_pages());
    add("chunks_in_flight", services_.pipeline.in_flight.taken());
    add("queue_depth_async_cow",
        services_.pipeline.async_cow.depth() + services_.pipeline.async_cow_awaited.depth());
    add("queue_depth_workers", services_.workers.queue_depth());
    add("queue_depth_readers", services_.readers.queue_depth());
    add("dirty_files", services_.dirty_files.count());
    for (const auto& domain : services_.domains.all()) {
      const std::string prefix = fmt::format("domain_{:x}_", domain->id());
      add((prefix + "dirty_pages").c_str(), domain->dirty_pages());
      add((prefix + "writeback_pages").c_str(), domain->writeback_pages());
      add((prefix + "written_pages").c_str(), domain->written_pages());
      add((prefix + "throttled_writes").c_str(), domain->throttled_writes());
    }
    return text;
  }

  void drop_clean_pages() override { services_.cache.drop_clean(); }
  Services& services() override { return services_; }

 private:
  Services services_;
  Mutex mutex_;
  uint64_t errors_seen_ BF_GUARDED_BY(mutex_) = services_.pipeline.errors.cursor();
};

}  // namespace

DataEngine::Services::Services(DataEngineParts parts, const DataEngineOptions& options)
    : backend(std::move(parts.backend)),
      cache(options.cache_bytes),
      domains(options.dirty_limit_bytes / kPageBytes, parts.stall),
      own_workers(pool_unless(parts.workers, worker_count(options.worker_threads), "bf-worker",
                              [this] { return workers_allowed(domains); })),
      own_readers(pool_unless(parts.readers, std::max(2u, std::thread::hardware_concurrency()), "bf-reader")),
      workers(parts.workers ? *parts.workers : *own_workers),
      readers(parts.readers ? *parts.readers : *own_readers),
      pipeline(*backend, cache, domains, workers, {.max_inline = options.max_inline}, parts.stall) {
  if (parts.flusher) {
    flusher = std::make_unique<Flusher>(dirty_files, domains,
                                        FlusherOptions{.background_bytes = options.dirty_background_bytes,
                                                       .expire_ms = options.dirty_expire_ms});
  }
  pipeline.on_dirty = [this](FileState& file) {
    flusher ? flusher->note_dirty(file) : dirty_files.note_dirty(file);
  };
  pipeline.kick_writeback = [this] {
    if (flusher) flusher->kick();
  };
  pipeline.flush_everything = [this] { flush_all_files(); };
}

// The last file may be gone before the last worker has left the queue it ran from: threads end first.
DataEngine::Services::~Services() {
  flusher.reset();
  own_workers.reset();
  own_readers.reset();
}

void DataEngine::Services::flush_all_files() {
  for_each_dirty_file(dirty_files, [](const DirtyFiles::Visit& visit) { writepages(visit.file(), {}); });
  for_each_dirty_file(dirty_files, [](const DirtyFiles::Visit& visit) {
    writepages_and_wait(visit.file(), {0, ~uint64_t{0}});
  });
}

std::unique_ptr<DataEngine> make_data_engine(DataEngineParts parts, const DataEngineOptions& options) {
  return std::make_unique<DataEngineImpl>(std::move(parts), options);
}

std::unique_ptr<DataEngine> DataEngine::create(Filesystem& filesystem, const DataEngineOptions& options) {
  DataEngineParts parts;
  parts.backend = make_engine_backend(filesystem);
  return make_data_engine(std::move(parts), options);
}

}  // namespace butterfuse
