// SPDX-License-Identifier: GPL-2.0-or-later
// Pages: how file bytes, page numbers and the pages of a folio relate.
#pragma once

#include <bit>
#include <cstdint>

#include "core/base/byte_range.h"

namespace butterfuse {

// A sector, which has a checksum of its own, and the page of most kernels.
constexpr uint32_t kPageBytes = 4096;
// One bit each in a PageMask.
constexpr uint32_t kPagesPerFolio = 32;
constexpr uint32_t kFolioBytes = kPageBytes * kPagesPerFolio;  // 128 KiB: the largest compressed extent

using PageIndex = uint64_t;  // file offset / kPageBytes
using PageMask = uint32_t;   // bit i: page i of one folio
constexpr PageMask kAllPages = ~PageMask{0};

struct PageRange {
  PageIndex first = 0;
  PageIndex end = 0;  // first page behind the range

  constexpr uint64_t count() const { return end - first; }
  constexpr bool empty() const { return end <= first; }
  constexpr bool contains(PageIndex page) const { return page >= first && page < end; }
  friend constexpr bool operator==(const PageRange&, const PageRange&) = default;
};

// Every page that holds a byte of `bytes`.
constexpr PageRange pages_touching(ByteRange bytes) {
  if (bytes.empty()) return {bytes.start / kPageBytes, bytes.start / kPageBytes};
  return {bytes.start / kPageBytes, (bytes.end - 1) / kPageBytes + 1};
}
constexpr ByteRange bytes_of(PageRange pages) { return {pages.first * kPageBytes, pages.end * kPageBytes}; }
// Folios are aligned: which one a page is in is a division, and no two of them overlap.
constexpr uint64_t folio_of(PageIndex page) { return page / kPagesPerFolio; }
constexpr PageRange pages_of_folio(uint64_t folio) {
  return {folio * kPagesPerFolio, (folio + 1) * kPagesPerFolio};
}
// The part of `pages` inside folio `folio`, as bits.
constexpr PageMask mask_in_folio(uint64_t folio, PageRange pages) {
  const PageIndex base = folio * kPagesPerFolio;
  const PageIndex first = std::max(pages.first, base);
  const PageIndex end = std::min(pages.end, base + kPagesPerFolio);
  if (end <= first) return 0;
  const uint64_t bits = (uint64_t{1} << (end - first)) - 1;
  return static_cast<PageMask>(bits << (first - base));
}
constexpr PageMask page_bit(PageIndex page) { return PageMask{1} << (page % kPagesPerFolio); }

// Calls visit(first, end) for every run of consecutive set bits, lowest first.
template <class Visit>
constexpr void for_each_run(PageMask mask, Visit visit) {
  while (mask != 0) {
    const unsigned first = static_cast<unsigned>(std::countr_zero(mask));
    const unsigned length = static_cast<unsigned>(std::countr_one(mask >> first));
    visit(first, first + length);
    if (first + length >= kPagesPerFolio) return;
    mask &= ~PageMask{0} << (first + length);
  }
}

}  // namespace butterfuse
