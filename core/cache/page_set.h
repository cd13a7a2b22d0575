// SPDX-License-Identifier: GPL-2.0-or-later
// PageSet: pages of one file, named through the folios that hold them. What all page handles are made of.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/cache/folio.h"

namespace butterfuse {

class Mapping;

// Ordered by page; need not be contiguous. Move-only: it is the token of a page state (locked,
// writeback, pinned) and whoever holds it answers for that state. The handles derived from it end the
// state exactly once.
class PageSet {
 public:
  PageSet() = default;
  PageSet(PageSet&& other) noexcept = default;
  PageSet& operator=(PageSet&& other) noexcept = default;
  PageSet(const PageSet&) = delete;
  PageSet& operator=(const PageSet&) = delete;

  bool empty() const { return segments_.empty(); }
  uint64_t count() const;
  bool contains(PageIndex page) const;
  PageRange hull() const;  // from the first to behind the last page; empty set: {0, 0}
  bool contiguous() const { return count() == hull().count(); }
  ByteRange byte_hull() const { return bytes_of(hull()); }

  // Runs that are contiguous in the file and in memory, in file order.
  void for_each_run(const std::function<void(PageRange, MutableByteSpan)>& visit) const;
  // The memory of `bytes`, if it lies in one folio of the set; empty otherwise.
  MutableByteSpan contiguous_bytes(ByteRange bytes) const;
  // The memory of `bytes`, piece by piece. REQUIRES all its pages to be in the set.
  std::vector<ByteSpan> gather(ByteRange bytes) const;

 protected:
  struct Segment {
    std::shared_ptr<Folio> folio;
    PageMask mask = 0;
  };
  friend class Mapping;
  friend class SecondOwner;

  explicit PageSet(std::shared_ptr<Mapping> mapping) : mapping_(std::move(mapping)) {}
  void add(const std::shared_ptr<Folio>& folio, PageMask mask);  // REQUIRES none of them in the set
  void add_all(PageSet&& other);
  PageSet take_from(PageIndex at);  // removes and returns the pages at and behind `at`
  void clear();

  std::shared_ptr<Mapping> mapping_;
  std::vector<Segment> segments_;
};

}  // namespace butterfuse
