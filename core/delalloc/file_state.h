// SPDX-License-Identifier: GPL-2.0-or-later
// FileState: the data side of one open file: pages, delalloc, ordered extents, sizes, errors.
#pragma once

#include <atomic>
#include <memory>

#include "core/cache/mapping.h"
#include "core/delalloc/compression_backoff.h"
#include "core/delalloc/delalloc_space.h"
#include "core/delalloc/error_sequence.h"
#include "core/delalloc/file_size.h"
#include "core/delalloc/pipeline.h"
#include "core/extent/extent_state.h"
#include "core/extent/ordered_extent.h"

namespace butterfuse {

// Owned by FileData. Work in flight keeps it alive with a Hold: the destructor waits for all of them.
class FileState {
 public:
  FileState(Pipeline& pipeline, DataOwner& owner, uint64_t size);
  ~FileState();  // REQUIRES no dirty page; waits for holds
  FileState(const FileState&) = delete;
  FileState& operator=(const FileState&) = delete;

  // Work in flight. Move-only; may end on any thread, which touches nothing of the file afterwards.
  class [[nodiscard]] Hold {
   public:
    Hold() = default;
    explicit Hold(FileState& file);
    Hold(Hold&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
    Hold& operator=(Hold&& other) noexcept {
      std::swap(file_, other.file_);
      return *this;
    }
    ~Hold();

   private:
    FileState* file_ = nullptr;
  };
  enum class Background { fixup, readahead };
  // Counts a background task of that kind; wait_background waits until there is none.
  void background_started(Background kind);
  void background_ended(Background kind);
  // True when there was something to wait for.
  bool wait_background(Background kind);

  // Somebody waits for little, in whose lane what is submitted meanwhile goes.
  class [[nodiscard]] Awaited {
   public:
    explicit Awaited(FileState& file) : file_(file) { ++file_.awaited_; }
    ~Awaited() { --file_.awaited_; }
    Awaited(const Awaited&) = delete;
    Awaited& operator=(const Awaited&) = delete;

   private:
    FileState& file_;
  };
  Lane lane() const { return awaited_ > 0 ? Lane::awaited : Lane::background; }
  // The lane for one more chunk, until that is submitted: the one of those before it, which it must not
  // overtake.
  Lane chunk_queued();
  void chunk_submitted();

  // First byte that no page of the file covers.
  uint64_t page_end() const { return round_up(size.in_memory(), kPageBytes); }
  bool has_dirty_or_ordered() const;
  void record_error(const Error& error);  // for the next fsync of each open file, and the next sync

  Pipeline& pipeline;
  DataOwner& owner;
  const std::shared_ptr<Mapping> mapping;
  ExtentState extents;
  DelallocSpace space;
  OrderedExtents ordered;
  ErrorSequence errors;
  CompressionBackoff backoff;
  FileSize size;
  std::atomic<uint64_t> alloc_hint{0};   // where the last extent ended
  std::atomic<bool> early_start{false};  // the flusher was asked to start before any threshold
  // Serializes changes of this file's items with the telling of sizes. Held while a transaction handle lives.
  Mutex finish_mutex;
  SharedMutex moving;  // see ExtentsInTrees

 private:
  mutable Mutex mutex_;
  CondVar ended_;
  uint64_t holds_ BF_GUARDED_BY(mutex_) = 0;
  uint64_t chunks_queued_ BF_GUARDED_BY(mutex_) = 0;
  Lane chunk_lane_ BF_GUARDED_BY(mutex_) = Lane::background;  // of those
  std::atomic<uint32_t> awaited_{0};
  uint64_t background_[2] BF_GUARDED_BY(mutex_) = {0, 0};
};

}  // namespace butterfuse
