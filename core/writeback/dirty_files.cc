// SPDX-License-Identifier: GPL-2.0-or-later
// DirtyFiles: numbered entries, and the number of each file.
#include "core/writeback/dirty_files.h"

#include "core/base/assert.h"

namespace butterfuse {

void DirtyFiles::note_dirty(FileState& file) noexcept {
  MutexLock lock(mutex_);
  if (!numbers_.try_emplace(&file, last_number_ + 1).second) return;
  entries_.emplace(++last_number_, Entry{&file, Clock::now(), 0});
}

void DirtyFiles::forget(FileState& file) {
  MutexLock lock(mutex_);
  for (;;) {
    const auto number = numbers_.find(&file);
    if (number == numbers_.end()) return;
    const auto entry = entries_.find(number->second);
    if (entry->second.visits == 0) {
      entries_.erase(entry);
      numbers_.erase(number);
      return;
    }
    left_.wait(lock);
  }
}

std::optional<DirtyFiles::Visit> DirtyFiles::visit_next(uint64_t after, uint64_t last) {
  MutexLock lock(mutex_);
  const auto next = entries_.upper_bound(after);
  if (next == entries_.end() || next->first > last) return std::nullopt;
  ++next->second.visits;
  return Visit(this, next->second.file, next->second.since, next->first);
}

uint64_t DirtyFiles::last_number() const {
  MutexLock lock(mutex_);
  return last_number_;
}

size_t DirtyFiles::count() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

// A file that gets dirty again between the question and the removal is noted again by its writer, which waits
// for our mutex: so the question is asked under it.
void DirtyFiles::end_visit(FileState& file) {
  MutexLock lock(mutex_);
  const auto number = numbers_.find(&file);
  BF_ASSERT(number != numbers_.end());
  const auto found = entries_.find(number->second);
  Entry& entry = found->second;
  BF_ASSERT(entry.visits > 0);
  if (--entry.visits > 0) return;
  left_.notify_all();
  if (!file.has_dirty_or_ordered()) {
    entries_.erase(found);
    numbers_.erase(number);
  } else if (file.mapping->dirty_pages() == 0) {
    entry.since = Clock::now();  // only waiting for its extents: what gets dirty next starts a new age
  }
}

}  // namespace butterfuse
