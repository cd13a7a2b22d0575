// SPDX-License-Identifier: GPL-2.0-or-later
// FileSize: what is owed, and how far the size on disk may go.
#include "core/delalloc/file_size.h"

#include <algorithm>

namespace butterfuse {

void FileSize::note_dirty(ByteRange pages, uint64_t end) {
  MutexLock lock(mutex_);
  const uint64_t size = in_memory_;
  if (pages.end > size) owed_.add({std::max(pages.start, size), pages.end});
  if (end > size) in_memory_ = end;
}

void FileSize::settle(ByteRange pages) {
  MutexLock lock(mutex_);
  owed_.remove(pages);
}

uint64_t FileSize::raise() {
  MutexLock lock(mutex_);
  const uint64_t safe = std::min(in_memory_.load(), owed_.first());
  if (on_disk_ < safe) on_disk_ = safe;
  return on_disk_;
}

void FileSize::extend(uint64_t size) {
  MutexLock lock(mutex_);
  if (in_memory_ < size) in_memory_ = size;
}

void FileSize::cut(uint64_t size) {
  MutexLock lock(mutex_);
  in_memory_ = size;
  owed_.remove({size, ~uint64_t{0}});
}

void FileSize::lower_on_disk(uint64_t end) {
  MutexLock lock(mutex_);
  if (on_disk_ > end) on_disk_ = end;
}

}  // namespace butterfuse
