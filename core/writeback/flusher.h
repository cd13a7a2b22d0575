// SPDX-License-Identifier: GPL-2.0-or-later
// Flusher: the thread that starts writeback: of old data, of too much data, early behind sequential writers.
#pragma once

#include <memory>
#include <thread>

#include "core/writeback/dirty_files.h"

namespace butterfuse {

struct FlusherOptions {
  uint64_t background_bytes = 0;  // dirty in all files: writeback of all starts
  uint32_t expire_ms = 0;         // dirty for so long: writeback of a file starts
};

// Its thread runs from construction to destruction. It only cuts; workers write.
class Flusher {
 public:
  // A file with so much new delalloc gets writeback of its whole folios, however little is dirty in all.
  static constexpr uint64_t kEarlyBytes = 4u << 20;

  Flusher(DirtyFiles& files, DomainRegistry& domains, const FlusherOptions& options);
  ~Flusher();

  void note_dirty(FileState& file);
  void kick();  // somebody waits for pages

 private:
  void run();
  void pass(bool pressure);
  void visit(const DirtyFiles::Visit& visit, bool pressure);

  DirtyFiles& files_;
  DomainRegistry& domains_;
  const FlusherOptions options_;
  Mutex mutex_;
  CondVar wake_;
  bool stop_ BF_GUARDED_BY(mutex_) = false;
  bool pressure_ BF_GUARDED_BY(mutex_) = false;  // kicked by a waiter
  bool early_ BF_GUARDED_BY(mutex_) = false;     // some file has enough for an early start
  std::thread thread_;
};

}  // namespace butterfuse
