// SPDX-License-Identifier: GPL-2.0-or-later
// Mapping: the pages of one file: which are in memory, in what state, and who waits for them.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/mutex.h"
#include "core/cache/folio.h"
#include "core/cache/locked_pages.h"
#include "core/cache/stall.h"

namespace butterfuse {

class PageCache;

enum class LockMode { wait, try_only };

// State of one page, for tests and asserts.
struct PageState {
  bool uptodate = false, dirty = false, writeback = false, locked = false;
};
struct MappingCounts {
  uint64_t folios = 0, uptodate = 0, dirty = 0, writeback = 0, locked = 0, pins = 0;
};

// Thread-safe: one mutex and one condition. Page locks are taken in ascending order or tried; a thread that
// waits for a page holds no other page that its owner could want. Handles keep the mapping alive. Lock order:
// page lock, then this mutex, then the page cache's and the pool's.
class Mapping final : public FolioHome, public std::enable_shared_from_this<Mapping> {
 public:
  static std::shared_ptr<Mapping> create(PageCache& cache, StallHook stall = {});
  ~Mapping() override;  // REQUIRES no dirty, written-back, locked or pinned page; clean pages are dropped
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  // Locks `pages` (inside one folio), made if absent. Waits while any of them is locked or under writeback:
  // what a writer needs, so that bytes being compressed, checksummed or written never change (stable pages).
  LockedPages lock(PageRange pages);
  // Locks those of `pages` (inside one folio) that are not uptodate, to be filled. `wait`: on return every
  // page is uptodate or in the result. `try_only`: pages that someone else is filling are left to them.
  LockedPages lock_missing(PageRange pages, LockMode mode);
  // Locks the pages of the first folio in `pages` that hold anything, waiting out locks and writeback; empty:
  // nothing is left there. What truncation loops over.
  LockedPages lock_existing(PageRange pages);
  // The first dirty page of the range. `wait`: waits while it is locked;
  // `try_only`: passes over locked pages.
  std::optional<LockedPage> lock_next_dirty(PageRange pages, LockMode mode);
  // Adds the unbroken run of dirty unlocked pages behind (before) those held, up to `end` (down to `first`).
  void extend_dirty_forward(LockedPages& held, PageIndex end);
  void extend_dirty_backward(LockedPages& held, PageIndex first);

  // Pins the unbroken run of uptodate pages from pages.first (inside one folio); empty: the first is missing.
  PinnedPages pin_uptodate(PageRange pages);
  // True when all pages of the range are uptodate now. A hint.
  bool is_uptodate(PageRange pages) const;
  // Waits until no page of the range is locked or under writeback.
  void wait_idle(PageRange pages);

  uint64_t dirty_pages() const { return dirty_pages_; }
  uint64_t writeback_pages() const { return writeback_pages_; }
  PageState state(PageIndex page) const;
  MappingCounts counts() const;
  void drop_clean();

 private:
  friend class LockedPages;
  friend class WritebackPages;
  friend class PinnedPages;
  friend class PageCache;

  Mapping(PageCache& cache, StallHook stall) : cache_(cache), stall_(std::move(stall)) {}

  // ---- what the handles ask for ----
  bool all_uptodate(const PageSet& pages) const;
  bool all_dirty(const PageSet& pages) const;
  void set_uptodate(const PageSet& pages);
  void clear_uptodate(const PageSet& pages);
  uint64_t set_dirty(const PageSet& pages, const std::shared_ptr<WritebackDomain>& domain);
  uint64_t clear_dirty(const PageSet& pages);
  void start_writeback(const PageSet& pages);
  void end_writeback(const PageSet& pages, bool written);
  void drop(const PageSet& pages);
  void unlock(const PageSet& pages);
  void unpin(const PageSet& pages);

  // ---- what the reclaim asks for: pages of memory given back ----
  uint64_t evict(const std::shared_ptr<Folio>& folio) override;

  using FolioRef = std::shared_ptr<Folio>;
  FolioRef find(uint64_t index) const BF_REQUIRES(mutex_);
  FolioRef find_or_make(uint64_t index, PageMask wanted) BF_REQUIRES(mutex_);
  void remove(const FolioRef& folio) BF_REQUIRES(mutex_);
  void keep(const std::shared_ptr<WritebackDomain>& domain) BF_REQUIRES(mutex_);
  void expect_dirty(const PageSet& pages, const std::shared_ptr<WritebackDomain>& domain);
  void will_be_dirty(const PageSet& pages) BF_REQUIRES(mutex_);
  void lock_ended(Folio& folio) BF_REQUIRES(mutex_);
  // Calls change(domain, count) for the pages' owners, runs of one owner together.
  template <class Change>
  static void for_each_owner(Folio& folio, PageMask pages, Change change);

  PageCache& cache_;
  const StallHook stall_;
  std::atomic<uint64_t> dirty_pages_{0};
  std::atomic<uint64_t> writeback_pages_{0};
  mutable Mutex mutex_;
  CondVar changed_;  // a page was unlocked, became clean or uptodate
  std::map<uint64_t, FolioRef> folios_ BF_GUARDED_BY(mutex_);
  // Of these all that have dirty pages, and such as have a locked page that was about to become dirty: so
  // that a page can become dirty where there is no memory. Writeback looks at no others, however many there
  // are.
  std::map<uint64_t, FolioRef> dirty_folios_ BF_GUARDED_BY(mutex_);
  // Every domain that ever dirtied a page here: keeps them alive for the bare pointers in the folios.
  std::vector<std::shared_ptr<WritebackDomain>> domains_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
