// SPDX-License-Identifier: GPL-2.0-or-later
// Folio: 128 KiB of one file in memory, 32 pages with their states.
#pragma once

#include <array>
#include <atomic>
#include <list>
#include <memory>

#include "core/cache/folio_pool.h"
#include "core/cache/page.h"
#include "core/cache/writeback_domain.h"

namespace butterfuse {

class Folio;

// What a folio belongs to: Mapping, as the reclaim sees it.
class FolioHome {
 public:
  virtual ~FolioHome() = default;
  // Gives up what is clean, unlocked and read by nobody; pages of memory given back.
  virtual uint64_t evict(const std::shared_ptr<Folio>& folio) = 0;
};

// Owned by its Mapping; handles keep its memory alive. Nobody but Mapping changes states: the handles ask it
// to. Per page, in bits: uptodate (content is the file's), dirty (content is newer than the disk's; charged
// to domains[i]), writeback (an ordered extent is writing it: content is stable), locked (one handle owns
// it). Invariants: dirty implies uptodate; dirty and writeback exclude each other; uptodate implies resident.
class Folio {
 public:
  Folio(std::weak_ptr<FolioHome> home, uint64_t index, FolioBuffer buffer)
      : home_(std::move(home)), index_(index), buffer_(std::move(buffer)) {}
  Folio(const Folio&) = delete;
  Folio& operator=(const Folio&) = delete;

  uint64_t index() const { return index_; }
  PageIndex first_page() const { return index_ * kPagesPerFolio; }
  std::byte* page_data(unsigned page) const { return buffer_.data() + size_t{page} * kPageBytes; }

 private:
  friend class Mapping;
  friend class PageCache;

  const std::weak_ptr<FolioHome> home_;
  const uint64_t index_;
  // Guarded by the mapping's mutex.
  FolioBuffer buffer_;
  PageMask uptodate_ = 0;
  PageMask dirty_ = 0;
  PageMask writeback_ = 0;
  PageMask locked_ = 0;
  uint32_t pins_ = 0;  // readers of page memory; no page of the folio is evicted meanwhile
  bool in_mapping_ = true;
  bool may_be_dirty_ = false;  // it is among the mapping's folios that are, see there
  std::array<WritebackDomain*, kPagesPerFolio> domains_{};  // of dirty and written-back pages
  // Own synchronization: second chance for the reclaim.
  std::atomic<bool> referenced_{false};
  // Guarded by the page cache's mutex.
  std::list<std::shared_ptr<Folio>>::iterator lru_position_;
};

}  // namespace butterfuse
