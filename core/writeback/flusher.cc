// SPDX-License-Identifier: GPL-2.0-or-later
// Flusher: one loop.
#include "core/writeback/flusher.h"

#include <pthread.h>

#include "core/writeback/writepages.h"

namespace butterfuse {

namespace {
constexpr auto kInterval = std::chrono::milliseconds(500);  // how late old data is noticed at most
}

Flusher::Flusher(DirtyFiles& files, DomainRegistry& domains, const FlusherOptions& options)
    : files_(files), domains_(domains), options_(options), thread_([this] { run(); }) {}

Flusher::~Flusher() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

void Flusher::note_dirty(FileState& file) {
  files_.note_dirty(file);
  const bool enough = file.extents.delalloc_bytes() >= kEarlyBytes;
  if (!enough || file.early_start.exchange(true)) return;
  MutexLock lock(mutex_);
  early_ = true;
  wake_.notify_one();
}

void Flusher::kick() {
  MutexLock lock(mutex_);
  pressure_ = true;
  wake_.notify_one();
}

void Flusher::run() {
  pthread_setname_np(pthread_self(), "bf-flusher");
  for (;;) {
    bool pressure = false;
    {
      MutexLock lock(mutex_);
      if (!stop_ && !pressure_ && !early_) wake_.wait_for(lock, kInterval);
      if (stop_) return;
      pressure = std::exchange(pressure_, false);
      early_ = false;
    }
    pass(pressure);
  }
}

void Flusher::pass(bool pressure) {
  const bool over = domains_.dirty_pages() * kPageBytes >= options_.background_bytes;
  for_each_dirty_file(files_, [&](const DirtyFiles::Visit& one) { visit(one, pressure || over); });
}

void Flusher::visit(const DirtyFiles::Visit& visit, bool pressure) {
  FileState& file = visit.file();
  if (file.mapping->dirty_pages() == 0) return;
  const bool early = file.early_start.exchange(false);
  const bool expired =
      DirtyFiles::Clock::now() - visit.dirty_since() >= std::chrono::milliseconds(options_.expire_ms);
  if (!early && !expired && !pressure) return;
  // A file that is being written in one go keeps its open end, unless that is all there is or it is old.
  const bool growing = !expired && file.extents.delalloc_bytes() >= 2 * kFolioBytes;
  writepages(file, {.range = {0, ~uint64_t{0}}, .all = false, .whole_folios = growing});
}

}  // namespace butterfuse
