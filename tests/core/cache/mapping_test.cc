// SPDX-License-Identifier: GPL-2.0-or-later
// Mapping and page handles: one owner a page, whatever is moved, split or dropped where.
#include "core/cache/mapping.h"

#include <catch2/catch.hpp>
#include <thread>

#include "core/cache/page_cache.h"
#include "tests/support/death.h"
#include "tests/support/growth.h"

namespace butterfuse::mapping_test {
namespace {

struct Fixture {
  PageCache cache{64u << 20};
  DomainRegistry domains{1u << 20, {}};
  std::shared_ptr<WritebackDomain> domain = domains.get(1);
  std::shared_ptr<Mapping> mapping = Mapping::create(cache, [] { throw std::runtime_error("would wait"); });

  LockedPages dirty(PageRange pages) {
    LockedPages locked = mapping->lock(pages);
    locked.set_uptodate();
    locked.set_dirty(domain);
    return locked;
  }
  void make_dirty(PageRange pages) { dirty(pages).unlock(); }
};

}  // namespace

TEST_CASE("a locked page has one holder, and the destructor unlocks it") {
  Fixture f;
  {
    const LockedPages held = f.mapping->lock({3, 5});
    CHECK(f.mapping->state(3).locked);
    CHECK(f.mapping->state(4).locked);
    CHECK_FALSE(f.mapping->state(5).locked);
    CHECK_THROWS_WITH(f.mapping->lock({4, 6}), "would wait");
    CHECK(f.mapping->counts().locked == 2);  // all or nothing: 5 was not taken
  }
  CHECK(f.mapping->counts().locked == 0);
}

TEST_CASE("a lock may be taken on one thread and dropped on another") {
  Fixture f;
  LockedPages held = f.mapping->lock({0, 4});
  std::thread([moved = std::move(held)]() mutable { moved.unlock(); }).join();
  CHECK(f.mapping->counts().locked == 0);
}

TEST_CASE("a split handle is two owners of different pages") {
  Fixture f;
  LockedPages held = f.mapping->lock({0, 32});
  held.add(f.mapping->lock({32, 40}));
  LockedPages behind = held.split_off(20);
  CHECK(held.hull() == PageRange{0, 20});
  CHECK(behind.hull() == PageRange{20, 40});
  CHECK(behind.contiguous());
  LockedPages front = behind.take_front(32);
  CHECK(front.hull() == PageRange{20, 32});
  CHECK(behind.hull() == PageRange{32, 40});
  held.unlock();
  CHECK_FALSE(f.mapping->state(19).locked);
  CHECK(f.mapping->state(20).locked);
  CHECK(f.mapping->counts().locked == 20);
}

TEST_CASE("after a hand-over the giver has no pages") {
  Fixture f;
  LockedPages held = f.dirty({0, 2});
  WritebackPages writing = std::move(held).start_writeback();
  CHECK(held.empty());  // NOLINT: that is the point
  CHECK(f.mapping->counts().locked == 0);
  CHECK(f.mapping->counts().writeback == 2);
  writing.end();
  writing.end();
  CHECK(f.mapping->counts().writeback == 0);
}

TEST_CASE("the dirty count of a domain follows each page exactly") {
  Fixture f;
  LockedPages held = f.dirty({0, 8});
  CHECK(f.domain->dirty_pages() == 8);
  CHECK(held.set_dirty(f.domain) == 0);
  CHECK(f.domain->dirty_pages() == 8);
  LockedPages behind = held.split_off(6);
  CHECK(behind.clear_dirty() == 2);
  CHECK(f.domain->dirty_pages() == 6);
  WritebackPages writing = std::move(held).start_writeback();
  CHECK(f.domain->dirty_pages() == 0);
  CHECK(f.domain->writeback_pages() == 6);
  writing.end();
  CHECK(f.domain->busy_pages() == 0);
  CHECK(f.domain->written_pages() == 6);
}

TEST_CASE("a page stays charged to who dirtied it first") {
  Fixture f;
  const auto other = f.domains.get(2);
  f.make_dirty({0, 2});
  LockedPages held = f.mapping->lock({0, 4});
  held.set_uptodate();
  CHECK(held.set_dirty(other) == 2);
  CHECK(f.domain->dirty_pages() == 2);
  CHECK(other->dirty_pages() == 2);
  CHECK(held.clear_dirty() == 4);
  CHECK(f.domains.dirty_pages() == 0);
}

TEST_CASE("a writer waits for writeback, a reader does not") {
  Fixture f;
  WritebackPages writing = f.dirty({0, 2}).start_writeback();
  CHECK_THROWS_WITH(f.mapping->lock({0, 1}), "would wait");
  CHECK(f.mapping->pin_uptodate({0, 2}).count() == 2);
  writing.end();
  CHECK(f.mapping->lock({0, 1}).count() == 1);
}

TEST_CASE("pages that could not be written are forgotten") {
  Fixture f;
  WritebackPages writing = f.dirty({0, 2}).start_writeback();
  writing.end_failed();
  CHECK_FALSE(f.mapping->state(0).uptodate);
  CHECK(f.domain->busy_pages() == 0);
}

TEST_CASE("only missing pages are locked to be filled") {
  Fixture f;
  f.make_dirty({1, 2});
  LockedPages missing = f.mapping->lock_missing({0, 4}, LockMode::wait);
  CHECK(missing.count() == 3);
  CHECK_FALSE(missing.contains(1));
  CHECK(f.mapping->lock_missing({0, 8}, LockMode::try_only).hull() == PageRange{4, 8});
  CHECK_THROWS_WITH(f.mapping->lock_missing({0, 4}, LockMode::wait), "would wait");
  missing.set_uptodate();
  missing.unlock();
  CHECK(f.mapping->lock_missing({0, 4}, LockMode::wait).empty());
  f.mapping->lock({1, 2}).clear_dirty();
}

TEST_CASE("writepages takes the unbroken dirty run around the locked page") {
  Fixture f;
  f.make_dirty({28, 32});
  f.make_dirty({32, 40});
  f.make_dirty({41, 42});
  auto locked_page = f.mapping->lock_next_dirty({30, 100}, LockMode::try_only);
  REQUIRE(locked_page);
  CHECK(locked_page->index() == 30);
  LockedPages pages = std::move(*locked_page).into_pages();
  f.mapping->extend_dirty_forward(pages, 100);
  CHECK(pages.hull() == PageRange{30, 40});
  f.mapping->extend_dirty_backward(pages, 29);
  CHECK(pages.hull() == PageRange{29, 40});
  CHECK(pages.contiguous());
  CHECK(f.mapping->lock_next_dirty({30, 41}, LockMode::try_only) == std::nullopt);
  CHECK_THROWS_WITH(f.mapping->lock_next_dirty({30, 41}, LockMode::wait), "would wait");
  pages.clear_dirty();
  pages.unlock();
  for (const PageRange left : {PageRange{28, 29}, PageRange{41, 42}}) f.mapping->lock(left).clear_dirty();
}

TEST_CASE("the next dirty page costs the same to find, however many clean ones lie before it") {
  constexpr int kFew = 50, kMany = 5'000;
  Fixture few, many;
  const auto find_behind_clean = [&](int folios) {
    Fixture& f = folios == kFew ? few : many;
    const PageIndex clean = static_cast<PageIndex>(folios) * kPagesPerFolio;
    f.make_dirty({clean, clean + 1});
    for (int i = 0; i < 1000; ++i) {
      const auto found = f.mapping->lock_next_dirty({0, clean + 1}, LockMode::wait);
      REQUIRE(found);
      REQUIRE(found->index() == clean);
    }
    f.mapping->lock({clean, clean + 1}).clear_dirty();
    REQUIRE_FALSE(f.mapping->lock_next_dirty({0, clean + 1}, LockMode::wait));
  };
  for (Fixture* f : {&few, &many})
    for (int folio = 0; folio < (f == &few ? kFew : kMany); ++folio) {
      const PageIndex first = static_cast<PageIndex>(folio) * kPagesPerFolio;
      f->mapping->lock({first, first + 1}).set_uptodate();
    }
  CHECK(growth(find_behind_clean, kFew, kMany) < 8);
}

TEST_CASE("a dirty page is found as long as it is one, whatever happens to its neighbours") {
  Fixture f;
  const auto next = [&] {
    const auto found = f.mapping->lock_next_dirty({0, 1000}, LockMode::wait);
    return found ? found->index() : 1000;
  };
  f.make_dirty({3, 6});
  f.make_dirty({40, 41});
  CHECK(next() == 3);
  LockedPages held = f.mapping->lock({3, 4});
  WritebackPages writing = std::move(held).start_writeback();
  CHECK(next() == 4);
  f.mapping->lock({4, 5}).clear_dirty();
  CHECK(next() == 5);
  LockedPages last = f.mapping->lock({5, 6});
  CHECK(last.clear_dirty() == 1);
  CHECK(next() == 40);
  last.expect_dirty(f.domain);
  // Others come and go in the folio of who was told that it needs no memory.
  f.mapping->lock({7, 8}).unlock();
  CHECK(next() == 40);
  CHECK(last.set_dirty(f.domain) == 1);
  last.unlock();
  CHECK(next() == 5);
  writing.end();
  f.mapping->lock({5, 6}).clear_dirty();
  f.mapping->lock_existing({0, 32}).drop();
  CHECK(next() == 40);
  f.mapping->lock({40, 41}).clear_dirty();
  CHECK(next() == 1000);
}

TEST_CASE("eviction takes clean pages and leaves dirty, locked and pinned ones") {
  Fixture f;
  f.make_dirty({0, 1});
  LockedPages clean = f.mapping->lock({1, 32});
  clean.set_uptodate();
  clean.unlock();
  const PinnedPages pinned = f.mapping->pin_uptodate({1, 2});
  f.cache.drop_clean();
  CHECK(f.mapping->counts().uptodate == 32);
  PinnedPages(std::move(const_cast<PinnedPages&>(pinned))).unpin();
  f.cache.drop_clean();
  CHECK(f.mapping->counts().uptodate == 1);
  CHECK(f.mapping->state(0).dirty);
  CHECK(f.cache.resident_bytes() == kPageBytes);
  f.mapping->lock({0, 1}).clear_dirty();
  const LockedPages held = f.mapping->lock({0, 1});
  f.cache.drop_clean();
  CHECK(f.mapping->state(0).locked);
}

TEST_CASE("dropped pages are gone, their neighbours stay") {
  Fixture f;
  LockedPages held = f.mapping->lock({0, 4});
  held.set_uptodate();
  held.unlock();
  f.mapping->lock_existing({2, 100}).drop();
  CHECK(f.mapping->lock_existing({2, 100}).empty());
  CHECK(f.mapping->state(1).uptodate);
  CHECK_FALSE(f.mapping->state(2).uptodate);
  f.mapping->lock_existing({0, 100}).drop();
  CHECK(f.mapping->counts().folios == 0);
}

TEST_CASE("misuse of page states ends the process") {
  const auto with = [](auto code) {
    return dies([&] {
      Fixture f;
      code(f);
    });
  };
  CHECK(with([](Fixture& f) { f.mapping->lock({0, 1}).set_dirty(f.domain); }));      // not uptodate
  CHECK(with([](Fixture& f) { (void)f.mapping->lock({0, 1}).start_writeback(); }));  // not dirty
  CHECK(with([](Fixture& f) { f.dirty({0, 1}).drop(); }));
  CHECK(with([](Fixture& f) { f.make_dirty({0, 1}), f.mapping.reset(); }));
  CHECK(with([](Fixture& f) { f.domain->pages_cleaned(1); }));
  CHECK_FALSE(with([](Fixture&) {}));
}

}  // namespace butterfuse::mapping_test
