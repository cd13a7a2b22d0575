// SPDX-License-Identifier: GPL-2.0-or-later
// Page handles: LockedPage, LockedPages, WritebackPages, PinnedPages: the only way to change a page's state.
#pragma once

#include <optional>

#include "core/cache/page_set.h"

namespace butterfuse {

class WritebackPages;

// Pages locked by whoever holds this value. Nobody else can name them for change, and the destructor unlocks
// them, on whatever thread. After a hand-over (move, split_off, start_writeback) the giver holds nothing: the
// bug of a second owner of one page has no way to be written down.
class [[nodiscard]] LockedPages : public PageSet {
 public:
  LockedPages() = default;
  LockedPages(LockedPages&& other) noexcept = default;
  LockedPages& operator=(LockedPages&& other) noexcept;
  ~LockedPages() { unlock(); }

  // The pages at and behind `at` become a handle of their own.
  LockedPages split_off(PageIndex at) { return LockedPages(take_from(at)); }
  // The pages before `at` become a handle of their own.
  LockedPages take_front(PageIndex at);
  // Pages of the same file, none of them here yet.
  void add(LockedPages&& other) { add_all(std::move(other)); }

  bool all_uptodate() const;
  bool all_dirty() const;
  void set_uptodate();
  void clear_uptodate();
  // Pages that were clean are charged to `domain`; returns how many. Uptodate pages only.
  uint64_t set_dirty(const std::shared_ptr<WritebackDomain>& domain);
  // After this set_dirty() of the same pages and domain needs no memory.
  void expect_dirty(const std::shared_ptr<WritebackDomain>& domain);
  uint64_t clear_dirty();  // cancels: uncharged, never written; returns how many were dirty
  // dirty -> writeback, unlocked. REQUIRES all_dirty().
  WritebackPages start_writeback() &&;
  // The content is forgotten (truncate, punch) and the pages unlocked. REQUIRES none dirty.
  void drop() &&;
  void unlock();

 private:
  friend class Mapping;
  // A test rebuilds the bug of two owners of one page, to show that the asserts catch it.
  friend class SecondOwner;
  explicit LockedPages(PageSet&& pages) : PageSet(std::move(pages)) {}
};

// One locked page: what writepages finds first, "the locked page" of btrfs.
class [[nodiscard]] LockedPage {
 public:
  PageIndex index() const { return pages_.hull().first; }
  const LockedPages& pages() const { return pages_; }
  // Into the set of pages it is handed on with; this value is empty afterwards.
  LockedPages into_pages() && { return std::move(pages_); }

 private:
  friend class Mapping;
  explicit LockedPage(LockedPages&& pages) : pages_(std::move(pages)) {}
  LockedPages pages_;
};

// Pages under writeback, owned by the ordered extent that writes them. Content is stable: writers wait.
class [[nodiscard]] WritebackPages : public PageSet {
 public:
  WritebackPages() = default;
  WritebackPages(WritebackPages&& other) noexcept = default;
  WritebackPages& operator=(WritebackPages&& other) noexcept;
  ~WritebackPages() { end(); }

  WritebackPages split_off(PageIndex at) { return WritebackPages(take_from(at)); }
  WritebackPages take_front(PageIndex at);
  void end();         // written: clean
  void end_failed();  // not written: clean, and the content is forgotten, so that readers see what is on disk

 private:
  friend class Mapping;
  friend class LockedPages;
  explicit WritebackPages(PageSet&& pages) : PageSet(std::move(pages)) {}
};

// Pages of one folio whose memory is being read; they stay where they are.
class [[nodiscard]] PinnedPages : public PageSet {
 public:
  PinnedPages() = default;
  PinnedPages(PinnedPages&& other) noexcept = default;
  PinnedPages& operator=(PinnedPages&& other) noexcept;
  ~PinnedPages() { unpin(); }
  void unpin();

 private:
  friend class Mapping;
  explicit PinnedPages(PageSet&& pages) : PageSet(std::move(pages)) {}
};

}  // namespace butterfuse
