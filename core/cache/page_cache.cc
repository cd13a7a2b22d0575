// PageCache: the clock.
#include "core/cache/page_cache.h"

#include "core/cache/mapping.h"

namespace butterfuse {

namespace {
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
    tries = lru_.size() + 1;
  }
  while (pool_.used_pages() + pages > budget_pages_) {
    if (tries-- == 0) return false;
    const std::shared_ptr<Folio> folio = next_candidate();
    if (!folio) return false;
    if (const auto mapping = folio->mapping_.lock()) evicted_pages_ += mapping->evict(folio);
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
    if (const auto mapping = folio->mapping_.lock()) evicted_pages_ += mapping->evict(folio);
  }
}

}  // namespace butterfuse
