// SPDX-License-Identifier: GPL-2.0-or-later
// PageCache: the memory budget of all mappings, and the reclaim that keeps it.
#pragma once

#include <atomic>
#include <list>
#include <memory>

#include "core/base/mutex.h"
#include "core/cache/folio.h"

namespace butterfuse {

// Thread-safe. A clock over all folios: one that was read since the last turn gets another turn. Only clean,
// unlocked pages that nobody reads are given up; dirty ones never are. Outlives its mappings.
class PageCache {
 public:
  // `budget_bytes` covers pages in use and the warm buffers kept for reuse.
  explicit PageCache(uint64_t budget_bytes);

  FolioPool& pool() { return pool_; }
  uint64_t budget_bytes() const { return budget_pages_ * kPageBytes; }
  uint64_t resident_bytes() const { return pool_.used_pages() * kPageBytes; }
  uint64_t evicted_pages() const { return evicted_pages_; }

  // Evicts until `pages` more fit the budget; false when too little is clean. Hold no mapping's mutex.
  bool make_room(uint64_t pages);
  // Everything that can be, as for drop caches.
  void drop_clean();

 private:
  friend class Mapping;
  void inserted(const std::shared_ptr<Folio>& folio);
  void removed(Folio& folio);
  std::shared_ptr<Folio> next_candidate();

  FolioPool pool_;
  const uint64_t budget_pages_;
  std::atomic<uint64_t> evicted_pages_{0};
  Mutex mutex_;
  std::list<std::shared_ptr<Folio>> lru_ BF_GUARDED_BY(mutex_);  // front: next to be looked at
};

}  // namespace butterfuse
