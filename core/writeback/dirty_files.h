// SPDX-License-Identifier: GPL-2.0-or-later
// DirtyFiles: which files have dirty data or extents in flight, oldest first.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <unordered_map>

#include "core/base/mutex.h"
#include "core/delalloc/file_state.h"

namespace butterfuse {

// Thread-safe. A file is here from its first dirty page until a Visit finds it clean. forget() waits for the
// visits of that file, so a visited file does not end.
class DirtyFiles {
 public:
  using Clock = std::chrono::steady_clock;

  class [[nodiscard]] Visit {
   public:
    Visit(Visit&& other) noexcept
        : files_(std::exchange(other.files_, nullptr)),
          file_(other.file_),
          since_(other.since_),
          number_(other.number_) {}
    Visit& operator=(Visit&&) = delete;
    ~Visit() {
      if (files_) files_->end_visit(*file_);
    }
    FileState& file() const { return *file_; }
    Clock::time_point dirty_since() const { return since_; }
    uint64_t number() const { return number_; }  // of the entry: ascending in order of first dirtying

   private:
    friend class DirtyFiles;
    Visit(DirtyFiles* files, FileState* file, Clock::time_point since, uint64_t number)
        : files_(files), file_(file), since_(since), number_(number) {}
    DirtyFiles* files_;
    FileState* file_;
    Clock::time_point since_;
    uint64_t number_;
  };

  // (Memory that runs out here ends the process: dirty data that nobody knows of would never be written.)
  void note_dirty(FileState& file) noexcept;
  void forget(FileState& file);  // it ends: waits until nobody visits it
  // The first file with a number behind `after` and at most `last`.
  std::optional<Visit> visit_next(uint64_t after, uint64_t last);
  uint64_t last_number() const;
  size_t count() const;

 private:
  struct Entry {
    FileState* file = nullptr;
    Clock::time_point since;
    uint32_t visits = 0;
  };
  void end_visit(FileState& file);

  mutable Mutex mutex_;
  CondVar left_;
  uint64_t last_number_ BF_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Entry> entries_ BF_GUARDED_BY(mutex_);  // by number
  std::unordered_map<FileState*, uint64_t> numbers_ BF_GUARDED_BY(mutex_);
};

// Calls visit(DirtyFiles::Visit&) for every file that is dirty now, one at a time:
// only the visited file can't end.
template <class Function>
void for_each_dirty_file(DirtyFiles& files, Function function) {
  const uint64_t last = files.last_number();
  uint64_t after = 0;
  while (auto visit = files.visit_next(after, last)) {
    after = visit->number();
    function(*visit);
  }
}

}  // namespace butterfuse
