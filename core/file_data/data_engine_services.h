// SPDX-License-Identifier: GPL-2.0-or-later
// DataEngine::Services: the parts behind a DataEngine, as the room's own code and tests see them.
#pragma once

#include <memory>

#include "core/delalloc/pipeline.h"
#include "core/delalloc/writeback_backend.h"
#include "core/file_data/data_engine.h"
#include "core/writeback/flusher.h"

namespace butterfuse {

// What a test replaces. Executors: null makes thread pools; `flusher`: whether a thread starts writeback.
struct DataEngineParts {
  std::unique_ptr<WritebackBackend> backend;
  Executor* workers = nullptr;
  Executor* readers = nullptr;
  bool flusher = true;
  StallHook stall;
};
std::unique_ptr<DataEngine> make_data_engine(DataEngineParts parts, const DataEngineOptions& options);

struct DataEngine::Services {
  Services(DataEngineParts parts, const DataEngineOptions& options);
  ~Services();

  const std::unique_ptr<WritebackBackend> backend;
  PageCache cache;
  DomainRegistry domains;
  std::unique_ptr<Executor> own_workers, own_readers;
  Executor& workers;  // compress, write, finish
  Executor& readers;  // read ahead
  DirtyFiles dirty_files;
  Pipeline pipeline;
  std::unique_ptr<Flusher> flusher;

  void flush_all_files();  // errors stay with the files
};

}  // namespace butterfuse
