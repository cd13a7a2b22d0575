// SPDX-License-Identifier: GPL-2.0-or-later
// I1 and I2: who owns the locked page; and the bug of two chunks that share it, rebuilt on purpose.
#include "core/writeback/async_chunk.h"
#include "tests/core/writeback/rig.h"
#include "tests/support/death.h"

namespace butterfuse {
// Makes what the types forbid: a second handle of pages that somebody else has locked.
class SecondOwner {
 public:
  static LockedPages of(const LockedPages& owned, PageIndex page) {
    PageSet copy(owned.mapping_);
    for (const auto& segment : owned.segments_) {
      if (segment.folio->index() == folio_of(page)) copy.add(segment.folio, page_bit(page));
    }
    return LockedPages(std::move(copy));
  }
};
}  // namespace butterfuse

namespace butterfuse::locked_page_test {

TEST_CASE("I1: exactly one chunk of a batch owns the locked page, and no two chunks share a page") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  rig.write(file, 0, compressible(2 << 20, 1));
  std::vector<PageRange> owned;
  rig.services().pipeline.chunk_observer = [&](AsyncChunk& chunk) {
    CHECK(chunk.pages.contiguous());
    CHECK(chunk.range_lock.range() == chunk.pages.byte_hull());
    CHECK(chunk.pages.byte_hull().length() <= kChunkBytes);
    owned.push_back(chunk.pages.hull());
  };
  // Writeback of a range in the middle: the locked page is its first, the batch begins before it.
  constexpr PageIndex kLockedPage = 200;
  REQUIRE(file.data->flush(bytes_of({kLockedPage, kLockedPage + 1}), false).has_value());
  REQUIRE(owned.size() == 3);
  CHECK(std::count_if(owned.begin(), owned.end(), [](PageRange one) { return one.contains(kLockedPage); }) ==
        1);
  CHECK(owned.front().contains(kLockedPage));
  for (size_t i = 1; i < owned.size(); ++i) CHECK(owned[i].first == owned[i - 1].end);
  CHECK(file.state().mapping->counts().locked == owned.back().end - owned.front().first);
  rig.flush(file);
  rig.check_disk(file);
}

TEST_CASE("I2: reuse of chunk A's pages between its clean-up and chunk B's start changes nothing for B") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  RigFile& other = rig.open(compression_type::kZstd);
  const Bytes first = compressible(512 << 10, 1), second = noise(512 << 10, 2);  // B will fall back
  rig.write(file, 0, first);
  rig.write(file, 512 << 10, second);
  rig.start_flush(file);
  REQUIRE(rig.workers.queue_depth() == 2);
  REQUIRE(rig.workers.run_one(0));  // A compresses and is submitted
  REQUIRE(rig.workers.run_one(1));  // A is written and finished; B has not begun
  CHECK(rig.stats().extents_compressed == 4);
  CHECK(file.state().mapping->counts().locked == 128);
  rig.services().cache.drop_clean();
  CHECK(file.state().mapping->counts().uptodate == 128);  // only B's are left
  rig.write(other, 0, noise(512 << 10, 3));               // the same memory, the same indices
  rig.write(file, 0, noise(8192, 4));                     // and in the same file
  const auto dirty_before = other.state().mapping->counts().dirty;
  rig.run_all();  // B falls back to uncompressed
  CHECK(rig.stats().extents_uncompressed == 1);
  CHECK(other.state().mapping->counts().dirty == dirty_before);
  CHECK(file.state().mapping->counts().dirty == 2);
  CHECK(rig.services().domains.dirty_pages() == dirty_before + 2);
  rig.check_quiet(file);
  rig.check_quiet(other);
  for (RigFile* one : {&file, &other}) {
    rig.flush(*one);
    rig.check_disk(*one);
  }
}

namespace {

// The schedule of that bug: chunk B is handed the first page of chunk A too; A is done before B begins, its
// page is clean, unlocked and evicted. `misuse` is what B then does with it.
template <class Misuse>
bool seed_bug_dies(bool forge, Misuse misuse) {
  return dies([&] {
    Rig rig;
    RigFile& file = rig.open(compression_type::kZstd);
    rig.write(file, 0, compressible(1 << 20, 1));
    LockedPages stolen;
    int chunks = 0;
    rig.services().pipeline.chunk_observer = [&](AsyncChunk& chunk) {
      if (++chunks == 1 && forge) stolen = SecondOwner::of(chunk.pages, 0);
    };
    rig.start_flush(file);
    rig.workers.run_one(0);
    rig.workers.run_one(1);
    rig.services().cache.drop_clean();
    misuse(rig, stolen);
    rig.run_all();
    stolen.unlock();
  });
}

}  // namespace

TEST_CASE("the seed's bug, rebuilt: a second owner of the locked page is caught whatever it does with it") {
  CHECK_FALSE(seed_bug_dies(false, [](Rig&, LockedPages&) {}));
  // __set_page_dirty_nobuffers(cowB->locked_page): the phantom dirty page.
  CHECK(seed_bug_dies(
      true, [](Rig& rig, LockedPages& stolen) { stolen.set_dirty(rig.services().domains.get(1)); }));
  // unlock_page(async_chunk->locked_page) on the error path.
  CHECK(seed_bug_dies(true, [](Rig&, LockedPages& stolen) { stolen.unlock(); }));
  // account_page_cleaned() of a page that has no owner any more.
  CHECK(seed_bug_dies(true, [](Rig&, LockedPages& stolen) { stolen.clear_dirty(); }));
  CHECK(seed_bug_dies(true, [](Rig&, LockedPages& stolen) { (void)std::move(stolen).start_writeback(); }));
  // The extra page mixed into B's own.
  CHECK(seed_bug_dies(true, [](Rig& rig, LockedPages& stolen) {
    rig.write(*rig.files.front(), 0, noise(4096, 1));
    LockedPages mine = rig.files.front()->state().mapping->lock({0, 1});
    mine.add(std::move(stolen));
    (void)std::move(mine).start_writeback();
  }));
}

}  // namespace butterfuse::locked_page_test
