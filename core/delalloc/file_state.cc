// SPDX-License-Identifier: GPL-2.0-or-later
// FileState: lifetime, and who is waited for.
#include "core/delalloc/file_state.h"

#include "core/base/assert.h"

namespace butterfuse {

FileState::FileState(Pipeline& pipeline_, DataOwner& owner_, uint64_t size_)
    : pipeline(pipeline_),
      owner(owner_),
      mapping(Mapping::create(pipeline_.cache, pipeline_.stall)),
      extents(kPieceBytes, pipeline_.stall),
      space(pipeline_.backend, extents, owner_.root_id()),
      ordered(pipeline_.stall),
      size(size_) {}

FileState::~FileState() {
  wait_until(mutex_, ended_, pipeline.stall, [&]() BF_REQUIRES(mutex_) { return holds_ == 0; });
  BF_ASSERT(mapping->dirty_pages() == 0, "file ends with {} dirty pages", mapping->dirty_pages());
}

FileState::Hold::Hold(FileState& file) : file_(&file) {
  MutexLock lock(file.mutex_);
  ++file.holds_;
}

FileState::Hold::~Hold() {
  if (!file_) return;
  MutexLock lock(file_->mutex_);
  if (--file_->holds_ == 0) file_->ended_.notify_all();  // under the mutex: the file may end right behind it
}

Lane FileState::chunk_queued() {
  MutexLock lock(mutex_);
  if (chunks_queued_++ == 0) chunk_lane_ = lane();
  return chunk_lane_;
}

void FileState::chunk_submitted() {
  MutexLock lock(mutex_);
  --chunks_queued_;
}

void FileState::background_started(Background kind) {
  MutexLock lock(mutex_);
  ++background_[static_cast<int>(kind)];
}

void FileState::background_ended(Background kind) {
  MutexLock lock(mutex_);
  if (--background_[static_cast<int>(kind)] == 0) ended_.notify_all();
}

bool FileState::wait_background(Background kind) {
  bool any = false;
  wait_until(mutex_, ended_, pipeline.stall, [&]() BF_REQUIRES(mutex_) {
    if (background_[static_cast<int>(kind)] == 0) return true;
    any = true;
    return false;
  });
  return any;
}

void FileState::record_error(const Error& error) {
  errors.record(error);
  pipeline.errors.record(error);
}

bool FileState::has_dirty_or_ordered() const {
  return mapping->dirty_pages() > 0 || mapping->writeback_pages() > 0 || ordered.count() > 0;
}

}  // namespace butterfuse
