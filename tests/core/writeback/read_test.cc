// SPDX-License-Identifier: GPL-2.0-or-later
// Reading: what is read from disk for a request, and no more; ahead of sequential readers only.
#include "core/file_data/readahead.h"
#include "tests/core/writeback/rig.h"

namespace butterfuse::read_test {
namespace {
RigFile& cold_file(Rig& rig, uint8_t compression, const Bytes& bytes) {
  RigFile& file = rig.open(compression);
  rig.write(file, 0, bytes);
  rig.flush(file);
  rig.services().cache.drop_clean();
  return file;
}
}  // namespace

TEST_CASE("a random 4 KiB read of uncompressed data reads 4 KiB") {
  Rig rig;
  RigFile& file = cold_file(rig, compression_type::kNone, noise(4 << 20, 1));
  REQUIRE(rig.read(file, 1 << 20, 4096).has_value());
  REQUIRE(rig.read(file, 3 << 20, 4096).has_value());
  REQUIRE(rig.read(file, 2 << 20, 4096).has_value());
  CHECK(rig.stats().pages_read == 3);
  CHECK(rig.readers.queue_depth() == 0);
  CHECK(rig.services().cache.resident_bytes() == 3 * kPageBytes);
}

TEST_CASE("a read inside a compressed extent keeps all of it, as all of it is decoded") {
  Rig rig;
  RigFile& file = cold_file(rig, compression_type::kZstd, compressible(1 << 20, 1));
  REQUIRE(rig.read(file, (512 << 10) + 5000, 100).has_value());
  CHECK(rig.stats().pages_read == 32);
  CHECK(rig.backend->calls[Step::read] == 1);
  REQUIRE(rig.read(file, (512 << 10) + 60'000, 20'000).has_value());
  CHECK(rig.backend->calls[Step::read] == 1);
}

TEST_CASE("a small file is read as a whole, and a bad sector of it fails nothing but itself") {
  Rig rig;
  RigFile& file = cold_file(rig, compression_type::kNone, noise(50'000, 1));
  REQUIRE(rig.read(file, 0, 100).has_value());
  CHECK(rig.backend->calls[Step::read] == 1);
  CHECK(rig.stats().pages_read == 13);
  rig.check_content(file);
  CHECK(rig.readers.queue_depth() == 0);
  rig.services().cache.drop_clean();
  rig.backend->damage(257, 20'000);
  REQUIRE(rig.read(file, 0, 100).has_value());
  CHECK_FALSE(rig.read(file, 20'000, 10).has_value());
  REQUIRE(rig.read(file, 40'000, 100).has_value());
  rig.check_quiet(file);
}

TEST_CASE("who wants the head of a large file costs little more than that head") {
  for (const uint64_t head : {512, 16 << 10, 64 << 10, 128 << 10}) {
    Rig rig;
    RigFile& file = cold_file(rig, compression_type::kNone, noise(8 << 20, 1));
    REQUIRE(rig.read(file, 0, head).has_value());
    rig.run_all();
    CHECK(rig.stats().pages_read <= (2 * head + kPageBytes - 1) / kPageBytes);
  }
}

TEST_CASE("two sequential readers of one file, each with a window of its own, are both read ahead of") {
  Rig rig;
  RigFile& file = cold_file(rig, compression_type::kNone, noise(16 << 20, 1));
  ReadaheadWindow other;
  const auto sink = [](const std::vector<ByteSpan>&) {};
  int direct = 0;
  for (uint64_t at = 0; at < 4 << 20; at += 128 << 10) {
    const int before = rig.backend->calls[Step::read];
    REQUIRE(rig.read(file, at, 128 << 10).has_value());
    REQUIRE(file.data->read((8 << 20) + at, 128 << 10, other, sink).has_value());
    direct += rig.backend->calls[Step::read] - before;
    rig.run_all();
  }
  CHECK(direct <= 4);
}

TEST_CASE("a sequential reader finds the next folios already read") {
  Rig rig;
  RigFile& file = cold_file(rig, compression_type::kNone, noise(8 << 20, 1));
  REQUIRE(rig.read(file, 0, 128 << 10).has_value());
  CHECK(rig.readers.queue_depth() == 1);
  rig.run_all();
  const int direct = rig.backend->calls[Step::read];
  REQUIRE(rig.read(file, 128 << 10, 128 << 10).has_value());
  CHECK(rig.backend->calls[Step::read] == direct);
  rig.run_all();
  rig.check_content(file);
}

TEST_CASE("the window doubles behind a sequential reader up to 4 MiB and closes for a random one") {
  ReadaheadWindow window;
  uint64_t at = 0, furthest = 0;
  for (int i = 0; i < 200; ++i, at += 128 << 10)
    furthest = std::max(furthest, window.advance({at, at + (128 << 10)}).end);
  CHECK(furthest <= at + ReadaheadWindow::kMostBytes);
  CHECK(furthest >= at + ReadaheadWindow::kMostBytes / 2);
  CHECK(window.advance({100 << 20, 101 << 20}).empty());
  CHECK(window.advance({50 << 20, 51 << 20}).empty());
  CHECK_FALSE(window.advance({51 << 20, 52 << 20}).empty());
}

TEST_CASE("a jump out of a small window is no part of the stream, however near it ends") {
  ReadaheadWindow window;
  (void)window.advance({0, 16 << 10});
  CHECK(window.advance({256 << 10, 260 << 10}).empty());
  CHECK(window.advance({128 << 10, 132 << 10}).empty());
  CHECK(window.advance({400 << 10, 404 << 10}).empty());
}

TEST_CASE("requests that come a little out of order are still sequential") {
  ReadaheadWindow window;
  CHECK_FALSE(window.advance({0, 1 << 20}).empty());
  uint64_t scheduled = 0;
  for (uint64_t mib : {2, 1, 3, 5, 4, 6, 8, 7})
    scheduled = std::max(scheduled, window.advance({mib << 20, (mib + 1) << 20}).end);
  CHECK(scheduled >= 10 << 20);
}

TEST_CASE("truncation waits for readahead, so that no stale page comes back") {
  Rig rig;
  RigFile& file = cold_file(rig, compression_type::kNone, noise(4 << 20, 1));
  start_readahead(file.state(), rig.readers, {0, 4 << 20});
  REQUIRE(rig.readers.queue_depth() == 32);
  rig.readers.run_one(5);
  REQUIRE(file.data->truncate_pages(100'000).has_value());
  CHECK(rig.readers.queue_depth() == 0);
  rig.backend->truncate(257, 100'000);
  REQUIRE(file.data->zero_old_end().has_value());
  file.data->extend(4 << 20);
  file.model.resize(100'000);
  file.model.resize(4 << 20);
  rig.check_content(file);
}

TEST_CASE("a read error is an error of the read, and the page can be read later") {
  Rig rig;
  RigFile& file = cold_file(rig, compression_type::kNone, noise(100'000, 1));
  // The small file as a whole, then the page that is wanted.
  const int before = rig.backend->calls[Step::read];
  rig.backend->failures[Step::read] = {before + 1, before + 2};
  const auto failed = rig.read(file, 8192, 10);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == EIO);
  rig.check_quiet(file);
  rig.check_content(file);
}

TEST_CASE("holes and bytes behind a short last extent read as zeros") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 100'000, noise(10, 1));
  rig.flush(file);
  rig.services().cache.drop_clean();
  rig.check_content(file);
  const auto behind = rig.read(file, 200'000, 10);
  REQUIRE(behind.has_value());
  CHECK(behind->empty());
}

}  // namespace butterfuse::read_test
