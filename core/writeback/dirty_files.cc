// DirtyFiles: a list in order of first dirtying, and an index into it.
#include "core/writeback/dirty_files.h"

#include "core/base/assert.h"

namespace butterfuse {

void DirtyFiles::note_dirty(FileState& file) {
  MutexLock lock(mutex_);
  if (index_.contains(&file)) return;
  entries_.push_back({&file, Clock::now(), 0});
  index_.emplace(&file, std::prev(entries_.end()));
}

void DirtyFiles::forget(FileState& file) {
  MutexLock lock(mutex_);
  for (;;) {
    const auto found = index_.find(&file);
    if (found == index_.end()) return;
    if (found->second->visits == 0) {
      entries_.erase(found->second);
      index_.erase(found);
      return;
    }
    left_.wait(lock);
  }
}

std::vector<DirtyFiles::Visit> DirtyFiles::visit_all() {
  std::vector<Visit> visits;
  MutexLock lock(mutex_);
  visits.reserve(entries_.size());
  for (Entry& entry : entries_) {
    ++entry.visits;
    visits.push_back(Visit(this, entry.file, entry.since));
  }
  return visits;
}

size_t DirtyFiles::count() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

// A file that gets dirty again between the question and the removal is noted again by its writer, which waits
// for our mutex: so the question is asked under it.
void DirtyFiles::end_visit(FileState& file) {
  MutexLock lock(mutex_);
  const auto found = index_.find(&file);
  BF_ASSERT(found != index_.end() && found->second->visits > 0);
  Entry& entry = *found->second;
  if (--entry.visits > 0) return;
  if (!file.has_dirty_or_ordered()) {
    entries_.erase(found->second);
    index_.erase(found);
  } else if (file.mapping->dirty_pages() == 0) {
    entry.since = Clock::now();  // only waiting for its extents: what gets dirty next starts a new age
  }
  left_.notify_all();
}

}  // namespace butterfuse
