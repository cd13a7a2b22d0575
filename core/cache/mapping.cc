// SPDX-License-Identifier: GPL-2.0-or-later
// Mapping: finding, locking and waiting for pages.
//
// A page lock is a bit, and waiting for it is waiting on the one condition of the mapping, looking again
// each time. All functions that lock have one shape: under the mutex look whether all that is wanted is
// free; if so take all of it, else take nothing and wait. Nobody ever holds one page of a folio while it
// waits for the next.
//
// Where memory runs out (bad_alloc) nothing may be half done: the page set grows first, the bits are
// set after.
#include "core/cache/mapping.h"

#include <algorithm>
#include <new>

#include "core/base/assert.h"
#include "core/cache/page_cache.h"

namespace butterfuse {

std::shared_ptr<Mapping> Mapping::create(PageCache& cache, StallHook stall) {
  return std::shared_ptr<Mapping>(new Mapping(cache, std::move(stall)));
}

Mapping::~Mapping() {
  drop_clean();
  const MappingCounts left = counts();
  BF_ASSERT(left.folios == 0, "mapping ends with {} folios: {} dirty, {} writeback, {} locked, {} pinned",
            left.folios, left.dirty, left.writeback, left.locked, left.pins);
}

Mapping::FolioRef Mapping::find(uint64_t index) const {
  const auto found = folios_.find(index);
  return found == folios_.end() ? nullptr : found->second;
}

Mapping::FolioRef Mapping::find_or_make(uint64_t index, PageMask wanted) {
  const auto [at, fresh] = folios_.try_emplace(index);
  if (fresh) {
    try {
      at->second =
          // 16: half of the pages, from where on a buffer that has all its memory already is the cheaper one.
          std::make_shared<Folio>(weak_from_this(), index, cache_.pool().take(std::popcount(wanted) >= 16));
      cache_.inserted(at->second);
    } catch (const std::bad_alloc&) {
      folios_.erase(at);
      throw;
    }
  }
  at->second->buffer_.touch(wanted);
  return at->second;
}

void Mapping::remove(const FolioRef& folio) {
  BF_ASSERT(!folio->may_be_dirty_, "folio {} leaves the mapping: dirty {:#x}, locked {:#x}", folio->index(),
            folio->dirty_, folio->locked_);
  cache_.removed(*folio);
  folio->in_mapping_ = false;
  folios_.erase(folio->index());
}

// Room is made before the mutex is taken, since the reclaim takes that of other mappings. That there was no
// room is no error: who waited here for clean pages could be who makes them clean.
LockedPages Mapping::lock(PageRange pages) {
  const uint64_t index = folio_of(pages.first);
  const PageMask wanted = mask_in_folio(index, pages);
  BF_ASSERT(pages.count() == static_cast<uint64_t>(std::popcount(wanted)), "pages of more than one folio");
  cache_.make_room(pages.count());
  LockedPages result{PageSet(shared_from_this())};
  wait_until(mutex_, changed_, stall_, [&]() BF_REQUIRES(mutex_) {
    const FolioRef folio = find_or_make(index, wanted);
    if (((folio->locked_ | folio->writeback_) & wanted) != 0) return false;
    result.PageSet::add(folio, wanted);  // first: memory may run out in it
    folio->locked_ |= wanted;
    return true;
  });
  return result;
}

LockedPages Mapping::lock_missing(PageRange pages, LockMode mode) {
  const uint64_t index = folio_of(pages.first);
  const PageMask wanted = mask_in_folio(index, pages);
  BF_ASSERT(pages.count() == static_cast<uint64_t>(std::popcount(wanted)), "pages of more than one folio");
  // The common case needs no room, and no memory for a set of pages.
  if (is_uptodate(pages)) return {};
  cache_.make_room(pages.count());
  LockedPages result{PageSet(shared_from_this())};
  wait_until(mutex_, changed_, stall_, [&]() BF_REQUIRES(mutex_) {
    const FolioRef present = find(index);
    PageMask missing = present ? wanted & ~present->uptodate_ : wanted;
    if (present && mode == LockMode::try_only) missing &= ~present->locked_;
    if (missing == 0) return true;
    if (present && (missing & present->locked_) != 0) return false;
    const FolioRef folio = find_or_make(index, missing);
    result.PageSet::add(folio, missing);
    folio->locked_ |= missing;
    return true;
  });
  return result;
}

LockedPages Mapping::lock_existing(PageRange pages) {
  LockedPages result{PageSet(shared_from_this())};
  wait_until(mutex_, changed_, stall_, [&]() BF_REQUIRES(mutex_) {
    for (auto at = folios_.lower_bound(folio_of(pages.first)); at != folios_.end(); ++at) {
      Folio& folio = *at->second;
      if (folio.first_page() >= pages.end) break;
      const PageMask there = mask_in_folio(folio.index(), pages) &
                             (folio.uptodate_ | folio.dirty_ | folio.writeback_ | folio.locked_);
      if (there == 0) continue;
      if ((there & (folio.locked_ | folio.writeback_)) != 0) return false;
      result.PageSet::add(at->second, there);
      folio.locked_ |= there;
      return true;
    }
    return true;
  });
  return result;
}

std::optional<LockedPage> Mapping::lock_next_dirty(PageRange pages, LockMode mode) {
  // Without the mutex: what becomes dirty at this moment is for the next round.
  if (dirty_pages_ == 0) return std::nullopt;
  LockedPages result{PageSet(shared_from_this())};
  wait_until(mutex_, changed_, stall_, [&]() BF_REQUIRES(mutex_) {
    for (auto at = dirty_folios_.lower_bound(folio_of(pages.first)); at != dirty_folios_.end(); ++at) {
      Folio& folio = *at->second;
      if (folio.first_page() >= pages.end) break;
      PageMask dirty = folio.dirty_ & mask_in_folio(folio.index(), pages);
      if (mode == LockMode::try_only) dirty &= ~folio.locked_;
      if (dirty == 0) continue;
      // The lowest bit.
      const PageMask first = dirty & (~dirty + 1);
      if ((folio.locked_ & first) != 0) return false;
      result.PageSet::add(at->second, first);
      folio.locked_ |= first;
      return true;
    }
    return true;
  });
  if (result.empty()) return std::nullopt;
  return LockedPage(std::move(result));
}

// Both ways end at a page that somebody has locked: whoever holds pages must not wait for others.
void Mapping::extend_dirty_forward(LockedPages& held, PageIndex end) {
  MutexLock lock(mutex_);
  PageIndex next = held.hull().end;
  while (next < end) {
    const FolioRef folio = find(folio_of(next));
    if (!folio) return;
    const PageMask open = folio->dirty_ & ~folio->locked_ & mask_in_folio(folio->index(), {next, end});
    const auto run = static_cast<unsigned>(std::countr_one(open >> (next % kPagesPerFolio)));
    if (run == 0) return;
    const PageMask taken = mask_in_folio(folio->index(), {next, next + run});
    held.PageSet::add(folio, taken);
    folio->locked_ |= taken;
    next += run;
    if (next % kPagesPerFolio != 0) return;  // the run ended inside the folio
  }
}

void Mapping::extend_dirty_backward(LockedPages& held, PageIndex first) {
  MutexLock lock(mutex_);
  for (PageIndex next = held.hull().first; next > first; --next) {
    const FolioRef folio = find(folio_of(next - 1));
    const PageMask page = page_bit(next - 1);
    if (!folio || (folio->dirty_ & ~folio->locked_ & page) == 0) return;
    held.PageSet::add(folio, page);
    folio->locked_ |= page;
  }
}

PinnedPages Mapping::pin_uptodate(PageRange pages) {
  const uint64_t index = folio_of(pages.first);
  const PageMask wanted = mask_in_folio(index, pages);
  PinnedPages result{PageSet(shared_from_this())};
  MutexLock lock(mutex_);
  const FolioRef folio = find(index);
  if (!folio) return result;
  const auto run =
      static_cast<unsigned>(std::countr_one((folio->uptodate_ & wanted) >> (pages.first % kPagesPerFolio)));
  if (run == 0) return result;
  result.PageSet::add(folio, mask_in_folio(index, {pages.first, pages.first + run}));
  // A count of the folio and not of its pages: readers hold it for the time of a copy only.
  ++folio->pins_;
  folio->referenced_ = true;
  return result;
}

bool Mapping::is_uptodate(PageRange pages) const {
  MutexLock lock(mutex_);
  for (uint64_t index = folio_of(pages.first); index * kPagesPerFolio < pages.end; ++index) {
    const FolioRef folio = find(index);
    const PageMask wanted = mask_in_folio(index, pages);
    if (!folio || (folio->uptodate_ & wanted) != wanted) return false;
  }
  return true;
}

void Mapping::wait_idle(PageRange pages) {
  wait_until(mutex_, changed_, stall_, [&]() BF_REQUIRES(mutex_) {
    for (auto at = folios_.lower_bound(folio_of(pages.first)); at != folios_.end(); ++at) {
      const Folio& folio = *at->second;
      if (folio.first_page() >= pages.end) break;
      if (((folio.locked_ | folio.writeback_) & mask_in_folio(folio.index(), pages)) != 0) return false;
    }
    return true;
  });
}

PageState Mapping::state(PageIndex page) const {
  MutexLock lock(mutex_);
  const FolioRef folio = find(folio_of(page));
  if (!folio) return {};
  const PageMask bit = page_bit(page);
  return {.uptodate = (folio->uptodate_ & bit) != 0,
          .dirty = (folio->dirty_ & bit) != 0,
          .writeback = (folio->writeback_ & bit) != 0,
          .locked = (folio->locked_ & bit) != 0};
}

MappingCounts Mapping::counts() const {
  const auto bits = [](PageMask mask) { return static_cast<uint64_t>(std::popcount(mask)); };
  MappingCounts sum;
  MutexLock lock(mutex_);
  for (const auto& [index, folio] : folios_) {
    ++sum.folios;
    sum.uptodate += bits(folio->uptodate_);
    sum.dirty += bits(folio->dirty_);
    sum.writeback += bits(folio->writeback_);
    sum.locked += bits(folio->locked_);
    sum.pins += folio->pins_;
  }
  return sum;
}

// A folio with nothing but idle pages goes with its buffer; of others the idle pages' memory is given back,
// and the folio stays. The reclaim found it without this mutex: it may have left the mapping, or have been
// pinned, since.
uint64_t Mapping::evict(const FolioRef& folio) {
  MutexLock lock(mutex_);
  if (!folio->in_mapping_ || folio->pins_ != 0) return 0;
  const PageMask busy = folio->dirty_ | folio->writeback_ | folio->locked_;
  const PageMask idle = folio->buffer_.resident() & ~busy;
  if (busy == 0) {
    remove(folio);
  } else if (idle != 0) {
    folio->uptodate_ &= ~idle;
    folio->buffer_.discard(idle);
  }
  return static_cast<uint64_t>(std::popcount(idle));
}

void Mapping::drop_clean() {
  std::vector<FolioRef> present;
  {
    MutexLock lock(mutex_);
    for (const auto& [index, folio] : folios_) present.push_back(folio);
  }
  for (const FolioRef& folio : present) evict(folio);
}

}  // namespace butterfuse
