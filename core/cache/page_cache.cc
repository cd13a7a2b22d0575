// SPDX-License-Identifier: GPL-2.0-or-later
// PageCache: the clock.
//
//     lru_   front ─> A   B*  C   D*  ─> end       * referenced_: read since it was looked at last
//                     A is evicted and B passed over once; both are at the end then, B without its mark
//
// A true order of last use would take the mutex on each read; this costs a reader one flag.
#include "core/cache/page_cache.h"

namespace butterfuse {

namespace {
// Of the budget, for buffers that keep their memory between two uses. More would take from what files are
// cached in, less would send each large write to the kernel for pages.
uint64_t warm_share(uint64_t budget_bytes) { return budget_bytes / 8; }
}  // namespace

PageCache::PageCache(uint64_t budget_bytes)
    : pool_(warm_share(budget_bytes)),
      budget_pages_((budget_bytes - warm_share(budget_bytes)) / kPageBytes) {}

void PageCache::inserted(const std::shared_ptr<Folio>& folio) {
  MutexLock lock(mutex_);
  folio->lru_position_ = lru_.insert(lru_.end(), folio);
}

void PageCache::removed(Folio& folio) {
  std::shared_ptr<Folio> last_breath;  // its buffer goes back to the pool without our mutex
  MutexLock lock(mutex_);
  last_breath = std::move(*folio.lru_position_);
  lru_.erase(folio.lru_position_);
}

std::shared_ptr<Folio> PageCache::next_candidate() {
  MutexLock lock(mutex_);
  // Twice around: the first turn may find all of them referenced, and clears it.
  for (size_t turns = 2 * lru_.size(); turns > 0; --turns) {
    auto front = lru_.begin();
    lru_.splice(lru_.end(), lru_, front);  // keeps the iterator the folio knows
    if (!(*front)->referenced_.exchange(false)) return *front;
  }
  return nullptr;
}

bool PageCache::make_room(uint64_t pages) {
  if (pool_.used_pages() + pages <= budget_pages_) return true;
  size_t tries = 0;
  {
    MutexLock lock(mutex_);
    // Each folio once: those that are dirty, or read, give nothing, and would be offered for ever.
    tries = lru_.size() + 1;
  }
  while (pool_.used_pages() + pages > budget_pages_) {
    if (tries-- == 0) return false;
    const std::shared_ptr<Folio> folio = next_candidate();
    if (!folio) return false;
    if (const auto home = folio->home_.lock()) evicted_pages_ += home->evict(folio);
  }
  return true;
}

void PageCache::drop_clean() {
  size_t tries = 0;
  {
    MutexLock lock(mutex_);
    tries = 2 * lru_.size();  // the first time a candidate may have been used of late
  }
  for (; tries > 0; --tries) {
    const std::shared_ptr<Folio> folio = next_candidate();
    if (!folio) return;
    if (const auto home = folio->home_.lock()) evicted_pages_ += home->evict(folio);
  }
}

}  // namespace butterfuse
