// SPDX-License-Identifier: GPL-2.0-or-later
// FolioPool: memory is counted by the page and recycled by the folio.
#include "core/cache/folio_pool.h"

#include <catch2/catch.hpp>

namespace butterfuse::folio_pool_test {

TEST_CASE("a buffer costs only the pages that were touched") {
  FolioPool pool(kFolioBytes);
  FolioBuffer buffer = pool.take(false);
  CHECK(pool.used_pages() == 0);
  buffer.touch(0b101);
  CHECK(pool.used_pages() == 2);
  buffer.touch(0b111);
  CHECK(pool.used_pages() == 3);
  buffer.data()[2 * kPageBytes] = std::byte{7};
  buffer.discard(0b100);
  CHECK(pool.used_pages() == 2);
  CHECK(buffer.data()[2 * kPageBytes] == std::byte{0});
  buffer.reset();
  CHECK(pool.used_pages() == 0);
  CHECK(pool.buffers_in_use() == 0);
}

TEST_CASE("a whole buffer is kept warm for the next taker, up to the limit") {
  FolioPool pool(kFolioBytes);
  FolioBuffer first = pool.take(true), second = pool.take(true);
  first.touch(kAllPages);
  second.touch(kAllPages);
  std::byte* const memory = first.data();
  first.reset();
  second.reset();
  CHECK(pool.warm_bytes() == kFolioBytes);
  CHECK(pool.used_pages() == 0);
  const FolioBuffer again = pool.take(true);
  CHECK(again.data() == memory);
  CHECK(again.resident() == kAllPages);
  CHECK(pool.used_pages() == kPagesPerFolio);
}

TEST_CASE("who wants a single page gets a buffer without memory") {
  FolioPool pool(kFolioBytes);
  FolioBuffer first = pool.take(true);
  first.touch(kAllPages);
  first.reset();
  CHECK(pool.take(false).resident() == 0);
}

TEST_CASE("page masks name the pages of one folio") {
  CHECK(mask_in_folio(0, {0, 32}) == kAllPages);
  CHECK(mask_in_folio(1, {0, 32}) == 0);
  CHECK(mask_in_folio(1, {30, 34}) == 0b11);
  CHECK(mask_in_folio(0, {30, 34}) == 0xC0000000u);
  CHECK(pages_touching({4095, 4097}) == PageRange{0, 2});
  CHECK(pages_touching({4096, 8192}) == PageRange{1, 2});
  CHECK(pages_touching({4096, 4096}).empty());
  unsigned sum = 0;
  for_each_run(0xC0000005u,
               [&](unsigned first, unsigned end) { sum = sum * 100 + (end - first) + 10 * (first == 30); });
  CHECK(sum == 1 * 10000 + 1 * 100 + 12);
}

}  // namespace butterfuse::folio_pool_test
