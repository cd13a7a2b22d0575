// DirtyFiles: which files have dirty data or extents in flight, oldest first.
#pragma once

#include <chrono>
#include <list>
#include <unordered_map>
#include <vector>

#include "core/base/mutex.h"
#include "core/writeback/file_state.h"

namespace butterfuse {

// Thread-safe. A file is here from its first dirty page until a Visit finds it clean; forget() waits for
// visits, so a visited file does not end.
class DirtyFiles {
 public:
  using Clock = std::chrono::steady_clock;

  class [[nodiscard]] Visit {
   public:
    Visit(Visit&& other) noexcept
        : files_(std::exchange(other.files_, nullptr)),
          file_(other.file_),
          dirty_since_(other.dirty_since_) {}
    Visit& operator=(Visit&&) = delete;
    ~Visit() {
      if (files_) files_->end_visit(*file_);
    }
    FileState& file() const { return *file_; }
    Clock::time_point dirty_since() const { return dirty_since_; }

   private:
    friend class DirtyFiles;
    Visit(DirtyFiles* files, FileState* file, Clock::time_point since)
        : files_(files), file_(file), dirty_since_(since) {}
    DirtyFiles* files_;
    FileState* file_;
    Clock::time_point dirty_since_;
  };

  void note_dirty(FileState& file);
  void forget(FileState& file);  // it ends: waits until nobody visits it
  std::vector<Visit> visit_all();
  size_t count() const;

 private:
  struct Entry {
    FileState* file = nullptr;
    Clock::time_point since;
    uint32_t visits = 0;
  };
  std::list<Entry>::iterator find(FileState& file) BF_REQUIRES(mutex_);
  void end_visit(FileState& file);

  mutable Mutex mutex_;
  CondVar left_;
  std::list<Entry> entries_ BF_GUARDED_BY(mutex_);
  std::unordered_map<FileState*, std::list<Entry>::iterator> index_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
