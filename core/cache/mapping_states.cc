// SPDX-License-Identifier: GPL-2.0-or-later
// Mapping: the page state changes that handles ask for. Each asserts that the state before was the right one.
//
//     absent ──lock──> locked ──set_uptodate──> uptodate ──set_dirty──> dirty ──start_writeback──> writeback
//                                                  ^                      │ clear_dirty              │ end
//                                                  └──────────────────────┴──────────────────────────┘
//                      end_failed and drop: not uptodate; the next reader reads from disk
#include <algorithm>

#include "core/base/assert.h"
#include "core/cache/mapping.h"
#include "core/cache/page_cache.h"

namespace butterfuse {

template <class Change>
void Mapping::for_each_owner(Folio& folio, PageMask pages, Change change) {
  butterfuse::for_each_run(pages, [&](unsigned first, unsigned end) {
    while (first < end) {
      WritebackDomain* owner = folio.domains_[first];
      BF_ASSERT(owner != nullptr, "folio {}: page {} is charged to nobody", folio.index(), first);
      uint64_t count = 0;
      for (; first < end && folio.domains_[first] == owner; ++first) ++count;
      change(*owner, count);
    }
  });
}

bool Mapping::all_uptodate(const PageSet& pages) const {
  MutexLock lock(mutex_);
  return std::all_of(pages.segments_.begin(), pages.segments_.end(), [](const PageSet::Segment& segment) {
    return (segment.folio->uptodate_ & segment.mask) == segment.mask;
  });
}

bool Mapping::all_dirty(const PageSet& pages) const {
  MutexLock lock(mutex_);
  return std::all_of(pages.segments_.begin(), pages.segments_.end(), [](const PageSet::Segment& segment) {
    return (segment.folio->dirty_ & segment.mask) == segment.mask;
  });
}

void Mapping::set_uptodate(const PageSet& pages) {
  MutexLock lock(mutex_);
  for (const auto& [folio, mask] : pages.segments_) {
    BF_ASSERT((folio->locked_ & mask) == mask && (folio->buffer_.resident() & mask) == mask,
              "folio {}: pages {:#x} made uptodate without their lock", folio->index(), mask);
    folio->uptodate_ |= mask;
  }
}

void Mapping::clear_uptodate(const PageSet& pages) {
  MutexLock lock(mutex_);
  for (const auto& [folio, mask] : pages.segments_) {
    BF_ASSERT((folio->locked_ & mask) == mask && (folio->dirty_ & mask) == 0,
              "folio {}: pages {:#x} not locked, or dirty {:#x}", folio->index(), mask, folio->dirty_ & mask);
    folio->uptodate_ &= ~mask;
  }
}

// A file has few: who writes to it.
void Mapping::keep(const std::shared_ptr<WritebackDomain>& domain) {
  if (std::find(domains_.begin(), domains_.end(), domain) == domains_.end()) domains_.push_back(domain);
}

void Mapping::will_be_dirty(const PageSet& pages) {
  for (const auto& [folio, mask] : pages.segments_) {
    if (folio->may_be_dirty_) continue;
    BF_ASSERT(folio->in_mapping_ && (folio->locked_ & mask) == mask,
              "folio {}: pages {:#x} dirtied: locked {:#x}", folio->index(), mask, folio->locked_);
    dirty_folios_.emplace(folio->index(), folio);
    folio->may_be_dirty_ = true;
  }
}

// The lock, too, keeps a folio among those that may be dirty: who was told that it needs no memory may still
// be on the way to set_dirty().
void Mapping::lock_ended(Folio& folio) {
  if (!folio.may_be_dirty_ || (folio.dirty_ | folio.locked_) != 0) return;
  folio.may_be_dirty_ = false;
  dirty_folios_.erase(folio.index());
}

void Mapping::expect_dirty(const PageSet& pages, const std::shared_ptr<WritebackDomain>& domain) {
  MutexLock lock(mutex_);
  keep(domain);
  will_be_dirty(pages);
}

uint64_t Mapping::set_dirty(const PageSet& pages, const std::shared_ptr<WritebackDomain>& domain) {
  MutexLock lock(mutex_);
  keep(domain);
  will_be_dirty(pages);
  uint64_t dirtied = 0;
  for (const auto& [folio, mask] : pages.segments_) {
    BF_ASSERT((folio->locked_ & folio->uptodate_ & ~folio->writeback_ & mask) == mask,
              "folio {}: pages {:#x} dirtied: locked {:#x}, uptodate {:#x}, writeback {:#x}", folio->index(),
              mask, folio->locked_, folio->uptodate_, folio->writeback_);
    const PageMask fresh = mask & ~folio->dirty_;
    butterfuse::for_each_run(fresh, [&, page_owners = &folio->domains_](unsigned first, unsigned end) {
      std::fill(page_owners->begin() + first, page_owners->begin() + end, domain.get());
    });
    folio->dirty_ |= fresh;
    dirtied += static_cast<uint64_t>(std::popcount(fresh));
  }
  dirty_pages_ += dirtied;
  domain->pages_dirtied(dirtied);
  return dirtied;
}

uint64_t Mapping::clear_dirty(const PageSet& pages) {
  MutexLock lock(mutex_);
  uint64_t cleaned = 0;
  for (const auto& [folio, mask] : pages.segments_) {
    BF_ASSERT((folio->locked_ & mask) == mask, "folio {}: pages {:#x} cancelled without their lock",
              folio->index(), mask);
    const PageMask dirty = folio->dirty_ & mask;
    for_each_owner(*folio, dirty, [](WritebackDomain& owner, uint64_t count) { owner.pages_cleaned(count); });
    folio->dirty_ &= ~dirty;
    cleaned += static_cast<uint64_t>(std::popcount(dirty));
  }
  dirty_pages_ -= cleaned;
  return cleaned;
}

void Mapping::start_writeback(const PageSet& pages) {
  MutexLock lock(mutex_);
  for (const auto& [folio, mask] : pages.segments_) {
    BF_ASSERT((folio->locked_ & folio->dirty_ & ~folio->writeback_ & mask) == mask,
              "folio {}: writeback of pages {:#x}: locked {:#x}, dirty {:#x}, writeback {:#x}",
              folio->index(), mask, folio->locked_, folio->dirty_, folio->writeback_);
    for_each_owner(*folio, mask,
                   [](WritebackDomain& owner, uint64_t count) { owner.pages_writeback_started(count); });
    folio->dirty_ &= ~mask;
    folio->writeback_ |= mask;
    folio->locked_ &= ~mask;
    writeback_pages_ += static_cast<uint64_t>(std::popcount(mask));
    dirty_pages_ -= static_cast<uint64_t>(std::popcount(mask));
    lock_ended(*folio);
  }
  changed_.notify_all();
}

void Mapping::end_writeback(const PageSet& pages, bool written) {
  MutexLock lock(mutex_);
  for (const auto& [folio, mask] : pages.segments_) {
    BF_ASSERT((folio->writeback_ & ~folio->dirty_ & mask) == mask,
              "folio {}: end of writeback of pages {:#x}: writeback {:#x}, dirty {:#x}", folio->index(), mask,
              folio->writeback_, folio->dirty_);
    for_each_owner(*folio, mask,
                   [](WritebackDomain& owner, uint64_t count) { owner.pages_writeback_ended(count); });
    folio->writeback_ &= ~mask;
    // What could not be written is not kept as if it were the file's: who reads gets what is on disk.
    if (!written) folio->uptodate_ &= ~mask;
    writeback_pages_ -= static_cast<uint64_t>(std::popcount(mask));
  }
  changed_.notify_all();
}

void Mapping::drop(const PageSet& pages) {
  MutexLock lock(mutex_);
  for (const auto& [folio, mask] : pages.segments_) {
    BF_ASSERT((folio->locked_ & mask) == mask && ((folio->dirty_ | folio->writeback_) & mask) == 0,
              "folio {}: pages {:#x} dropped: locked {:#x}, dirty {:#x}, writeback {:#x}", folio->index(),
              mask, folio->locked_, folio->dirty_, folio->writeback_);
    folio->uptodate_ &= ~mask;
    folio->locked_ &= ~mask;
    lock_ended(*folio);
    // What was locked by us alone, of a folio that has nothing else, goes at once: a truncated file keeps
    // no memory.
    const bool unused = (folio->uptodate_ | folio->dirty_ | folio->writeback_ | folio->locked_) == 0;
    if (unused && folio->pins_ == 0 && folio->in_mapping_) remove(folio);
  }
  changed_.notify_all();
}

void Mapping::unlock(const PageSet& pages) {
  MutexLock lock(mutex_);
  for (const auto& [folio, mask] : pages.segments_) {
    BF_ASSERT((folio->locked_ & mask) == mask, "folio {}: pages {:#x} unlocked twice: locked {:#x}",
              folio->index(), mask, folio->locked_);
    folio->locked_ &= ~mask;
    lock_ended(*folio);
  }
  changed_.notify_all();
}

void Mapping::unpin(const PageSet& pages) {
  MutexLock lock(mutex_);
  for (const auto& [folio, mask] : pages.segments_) {
    BF_ASSERT(folio->pins_ > 0, "folio {}: unpinned twice", folio->index());
    --folio->pins_;
  }
}

}  // namespace butterfuse
