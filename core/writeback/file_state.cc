// FileState: lifetime, and the size that is safe on disk.
#include "core/writeback/file_state.h"

#include <algorithm>

#include "core/base/assert.h"

namespace butterfuse {

FileState::FileState(Pipeline& pipeline_, DataOwner& owner_, uint64_t size_)
    : pipeline(pipeline_),
      owner(owner_),
      mapping(Mapping::create(pipeline_.cache, pipeline_.stall)),
      extents(kPieceBytes, pipeline_.stall),
      space(pipeline_.backend, extents, owner_.root_id()),
      ordered(pipeline_.stall),
      size(size_),
      disk_size(size_) {}

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

// An ordered extent is registered before its delalloc bits go, so that no byte is ever missing from both.
uint64_t FileState::safe_disk_size() const {
  const uint64_t end = size.load();  // first: bytes are delalloc before they are in the size
  const uint64_t delalloc = extents.first_delalloc();
  const uint64_t pending = ordered.first_pending();
  return std::min({end, delalloc, pending});
}

uint64_t FileState::advance_disk_size() {
  const uint64_t safe = safe_disk_size();
  uint64_t old = disk_size.load();
  while (old < safe && !disk_size.compare_exchange_weak(old, safe)) {
  }
  return std::max(old, safe);
}

void FileState::record_error(const Error& error) {
  errors.record(error);
  pipeline.errors.record(error);
}

bool FileState::has_dirty_or_ordered() const {
  return mapping->dirty_pages() > 0 || mapping->writeback_pages() > 0 || ordered.count() > 0;
}

}  // namespace butterfuse
