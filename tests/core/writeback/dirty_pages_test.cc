// SPDX-License-Identifier: GPL-2.0-or-later
// I3 and I4: every dirty page has space, an owner and delalloc; one without gets them before it is written.
#include "tests/core/writeback/rig.h"

namespace butterfuse::dirty_pages_test {
namespace {
// What a stray store would do: a page dirty behind the back of delalloc.
void dirty_without_delalloc(Rig& rig, RigFile& file, PageIndex page, const Bytes& bytes) {
  LockedPages locked = file.state().mapping->lock({page, page + 1});
  std::copy(bytes.begin(), bytes.end(), locked.contiguous_bytes(bytes_of({page, page + 1})).begin());
  locked.set_uptodate();
  locked.set_dirty(rig.services().domains.get(1));
  std::copy(bytes.begin(), bytes.end(), file.model.begin() + static_cast<ptrdiff_t>(page * kPageBytes));
}
}  // namespace

TEST_CASE("I3: at every step the domain's count is the number of its dirty pages, each with its promise") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  rig.write(file, 0, compressible(1 << 20, 1), 5);
  rig.write(file, 1 << 20, noise(1 << 20, 1), 6);
  const auto five = rig.services().domains.get(5), six = rig.services().domains.get(6);
  CHECK(five->dirty_pages() == 256);
  CHECK(six->dirty_pages() == 256);
  CHECK(rig.backend->allocator.data_promised == 2 << 20);
  rig.start_flush(file);
  do {
    const auto counts = file.state().mapping->counts();
    CHECK(five->dirty_pages() + six->dirty_pages() == counts.dirty);
    CHECK(five->writeback_pages() + six->writeback_pages() == counts.writeback);
    CHECK(rig.backend->allocator.data_promised == file.state().extents.delalloc_bytes());
    CHECK(file.state().extents.delalloc_bytes() == counts.dirty * kPageBytes);
  } while (rig.workers.run_one(rig.workers.queue_depth() / 2));
  CHECK(five->written_pages() == 256);
  CHECK(six->written_pages() == 256);
  CHECK(rig.backend->allocator.data_promised == 0);
}

TEST_CASE("I3: rewriting dirty pages promises and counts nothing twice") {
  Rig rig;
  RigFile& file = rig.open();
  for (int i = 0; i < 5; ++i) rig.write(file, 1000, noise(300'000, i));
  CHECK(rig.backend->allocator.data_promised == file.data->delalloc_bytes());
  CHECK(rig.services().domains.dirty_pages() == file.data->delalloc_bytes() / kPageBytes);
  CHECK(rig.backend->allocator.metadata_promised == 3 * rig.backend->metadata_bytes_per_extent());
}

TEST_CASE("I3: a failed write leaves nothing promised and nothing dirty") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(8192, 1));
  rig.flush(file);
  rig.services().cache.drop_clean();
  rig.backend->failures[Step::read] = {1};
  const auto written = rig.try_write(file, 100, noise(10, 2));
  REQUIRE_FALSE(written);
  CHECK(written.error().code == EIO);
  CHECK(rig.services().domains.dirty_pages() == 0);
  CHECK(rig.backend->allocator.data_promised == 0);
  rig.check_quiet(file);
}

TEST_CASE("I4: a page dirty without delalloc is fixed up and written like any other") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  rig.write(file, 0, compressible(256 << 10, 1));
  rig.flush(file);
  dirty_without_delalloc(rig, file, 7, noise(kPageBytes, 9));
  CHECK(rig.backend->allocator.data_promised == 0);
  rig.flush(file);
  CHECK(rig.stats().fixups == 1);
  CHECK(rig.services().domains.dirty_pages() == 0);
  rig.check_disk(file);
  CHECK(rig.backend->file(257).at(7 * kPageBytes).length == kPageBytes);  // copied on write, not in place
  rig.check_quiet(file);
}

TEST_CASE("I4: a page that is written to again before its fixup runs is fixed once") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(64 << 10, 1));
  rig.flush(file);
  dirty_without_delalloc(rig, file, 3, noise(kPageBytes, 9));
  rig.start_flush(file);
  rig.write(file, 3 * kPageBytes, noise(100, 10));
  CHECK(rig.backend->allocator.data_promised == kPageBytes);
  rig.run_all();
  CHECK(rig.backend->allocator.data_promised == kPageBytes);
  rig.flush(file);
  rig.check_disk(file);
}

TEST_CASE("I4: a fixup without space reports the loss and leaves no phantom") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(64 << 10, 1));
  rig.flush(file);
  const Bytes before = file.model;
  dirty_without_delalloc(rig, file, 3, noise(kPageBytes, 9));
  rig.backend->fail_code = ENOSPC;
  rig.backend->failures[Step::reserve_data] = {rig.backend->calls[Step::reserve_data] + 1};
  uint64_t seen = file.data->error_cursor();
  CHECK_FALSE(rig.try_flush(file));
  const Status error = file.data->take_error(seen);
  REQUIRE_FALSE(error);
  CHECK(error.error().code == ENOSPC);
  file.model = before;
  rig.check_content(file);
  rig.check_quiet(file);
}

TEST_CASE("I4: a page cancelled before its fixup runs stays cancelled") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(64 << 10, 1));
  rig.flush(file);
  dirty_without_delalloc(rig, file, 10, noise(kPageBytes, 9));
  rig.start_flush(file);
  REQUIRE(file.data->truncate_pages(5 * kPageBytes).has_value());
  rig.backend->truncate(257, 5 * kPageBytes);
  file.model.resize(5 * kPageBytes);
  rig.run_all();
  CHECK(rig.services().domains.dirty_pages() == 0);
  rig.check_content(file);
  rig.check_quiet(file);
}

}  // namespace butterfuse::dirty_pages_test
