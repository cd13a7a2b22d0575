// SPDX-License-Identifier: GPL-2.0-or-later
// PageCache: the budget holds, and recently read folios outlive others.
#include "core/cache/page_cache.h"

#include <catch2/catch.hpp>

#include "core/cache/mapping.h"

namespace butterfuse::page_cache_test {
namespace {
void fill(Mapping& mapping, uint64_t folio) {
  LockedPages pages = mapping.lock(pages_of_folio(folio));
  pages.set_uptodate();
}
}  // namespace

TEST_CASE("clean folios make room for new ones, so that memory stays within the budget") {
  PageCache cache(16 * kFolioBytes);
  const auto mapping = Mapping::create(cache);
  for (uint64_t folio = 0; folio < 100; ++folio) {
    fill(*mapping, folio);
    CHECK(cache.resident_bytes() + cache.pool().warm_bytes() <= 16 * kFolioBytes);
  }
  CHECK(mapping->counts().folios == 14);  // one eighth is kept warm for reuse
  CHECK(cache.evicted_pages() == 86 * kPagesPerFolio);
}

TEST_CASE("a folio that was read since the last turn of the clock stays") {
  PageCache cache(16 * kFolioBytes);
  const auto mapping = Mapping::create(cache);
  for (uint64_t folio = 0; folio < 14; ++folio) fill(*mapping, folio);
  (void)mapping->pin_uptodate({0, 1});
  fill(*mapping, 14);
  CHECK(mapping->state(0).uptodate);
  CHECK_FALSE(mapping->state(kPagesPerFolio).uptodate);
}

TEST_CASE("dirty pages are never evicted, however little room there is") {
  PageCache cache(16 * kFolioBytes);
  DomainRegistry domains(1u << 20, {});
  const auto domain = domains.get(1);
  const auto mapping = Mapping::create(cache);
  for (uint64_t folio = 0; folio < 20; ++folio) {
    LockedPages pages = mapping->lock(pages_of_folio(folio));
    pages.set_uptodate();
    pages.set_dirty(domain);
  }
  CHECK(mapping->counts().dirty == 20 * kPagesPerFolio);
  CHECK_FALSE(cache.make_room(1));
  for (uint64_t folio = 0; folio < 20; ++folio) mapping->lock(pages_of_folio(folio)).clear_dirty();
  CHECK(cache.make_room(1));
}

TEST_CASE("one dirty page in a folio does not keep the clean ones in memory") {
  PageCache cache(16 * kFolioBytes);
  DomainRegistry domains(1u << 20, {});
  const auto domain = domains.get(1);
  const auto mapping = Mapping::create(cache);
  for (uint64_t folio = 0; folio < 200; ++folio) {
    fill(*mapping, folio);
    LockedPages page = mapping->lock({folio * kPagesPerFolio, folio * kPagesPerFolio + 1});
    if (!page.all_uptodate()) page.set_uptodate();
    page.set_dirty(domain);
  }
  CHECK(cache.resident_bytes() <= 16 * kFolioBytes);
  CHECK(mapping->counts().dirty == 200);
  for (uint64_t folio = 0; folio < 200; ++folio) mapping->lock_existing(pages_of_folio(folio)).clear_dirty();
}

}  // namespace butterfuse::page_cache_test
