// SPDX-License-Identifier: GPL-2.0-or-later
// Space: ENOSPC is told to the writer, never at writeback; the limits of dirty data hold.
#include <thread>

#include "tests/core/writeback/rig.h"
#include "tests/support/eventually.h"

namespace butterfuse::space_test {

TEST_CASE("a write that does not fit says so before a byte is copied; what was taken is written") {
  Rig rig({}, 4 << 20);
  RigFile& file = rig.open();
  rig.write(file, 0, noise(3 << 20, 1));
  const auto partly = rig.try_write(file, 3 << 20, noise(2 << 20, 2));
  REQUIRE(partly.has_value());
  CHECK(*partly == 1 << 20);
  const auto none = rig.try_write(file, 4 << 20, noise(10, 2));
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ENOSPC);
  CHECK(file.data->size() == 4 << 20);
  uint64_t seen = file.data->error_cursor();
  rig.flush(file);
  CHECK(file.data->take_error(seen).has_value());
  rig.check_disk(file);
}

TEST_CASE("worst-case promises shrink to real extents before a writer is told that space is out") {
  Rig rig({}, 4 << 20);
  RigFile& file = rig.open(compression_type::kZstd);
  for (int i = 0; i < 6; ++i)
    rig.write(file, static_cast<uint64_t>(i) << 20, compressible(1 << 20, i));  // 6 MiB into 4
  CHECK(rig.stats().write_enospc_retries > 0);
  rig.flush(file);
  rig.check_disk(file);
}

TEST_CASE("space that the last commit pins is waited for") {
  Rig rig({}, 4 << 20);
  RigFile& file = rig.open();
  for (int i = 0; i < 4; ++i) {
    rig.write(file, 0, noise(2 << 20, i));
    rig.flush(file);
  }
  CHECK(rig.backend->commits > 0);
  rig.check_disk(file);
}

TEST_CASE("the data of a nearly full disk in fragments of one sector is written without an error") {
  Rig rig({}, 4 << 20);
  RigFile& file = rig.open();
  rig.backend->allocator.longest_run = 4096;
  rig.write(file, 0, noise(4 << 20, 1));
  uint64_t seen = file.data->error_cursor();
  rig.flush(file);
  CHECK(file.data->take_error(seen).has_value());
  CHECK(rig.stats().extents_uncompressed == 1024);
  rig.check_disk(file);
}

TEST_CASE("a writer above its domain's limit waits for writeback, others go on") {
  Rig rig({.dirty_limit_bytes = 2 << 20});
  RigFile& greedy = rig.open();
  RigFile& modest = rig.open();
  int flushes = 0;
  rig.services().pipeline.kick_writeback = [&] {
    ++flushes;
    rig.start_flush(greedy);
  };
  rig.write(greedy, 0, noise(3 << 20, 1), 1);
  CHECK(flushes == 0);  // the limit is looked at before a write
  rig.write(modest, 0, noise(100'000, 2), 2);
  CHECK(flushes == 0);
  CHECK(rig.stalls == 0);
  rig.write(greedy, 3 << 20, noise(1 << 20, 3), 1);
  CHECK(flushes == 1);
  CHECK(rig.stalls > 0);
  CHECK(modest.state().mapping->dirty_pages() == 25);
}

namespace {

// The engine with its own threads.
struct Live {
  explicit Live(const DataEngineOptions& options) {
    auto owned = std::make_unique<FakeBackend>();
    backend = owned.get();
    DataEngineParts parts;
    parts.backend = std::move(owned);
    engine = make_data_engine(std::move(parts), options);
    owner.choice.type = compression_type::kZstd;
    file = std::make_unique<FileData>(*engine, owner, 0);
  }
  FakeBackend* backend = nullptr;
  FakeOwner owner{257};
  std::unique_ptr<DataEngine> engine;
  std::unique_ptr<FileData> file;
};

}  // namespace

TEST_CASE("old dirty data is written without being asked for") {
  Live live({.dirty_expire_ms = 50});
  REQUIRE(live.file->write(0, {ByteSpan(noise(100'000, 1))}, 1).has_value());
  CHECK(eventually([&] { return !live.file->has_dirty_or_ordered(); }));
  CHECK(live.backend->extent_count(257) == 1);
}

TEST_CASE("a large sequential write is written early, but for its open end") {
  Live live({.dirty_expire_ms = 1'000'000});
  const Bytes bytes = compressible((6 << 20) + 1000, 1);
  REQUIRE(live.file->write(0, {ByteSpan(bytes)}, 1).has_value());
  CHECK(eventually(
      [&] { return live.file->delalloc_bytes() == 4096 && live.backend->extent_count(257) == 48; }));
  REQUIRE(live.engine->flush_all().has_value());
  CHECK_FALSE(live.file->has_dirty_or_ordered());
}

TEST_CASE("many files written from many threads are all on disk after a sync") {
  Live live({.cache_bytes = 8 << 20, .dirty_limit_bytes = 3 << 20, .dirty_background_bytes = 1 << 20});
  std::vector<std::unique_ptr<FakeOwner>> owners;
  std::vector<std::unique_ptr<FileData>> files;
  for (uint64_t i = 0; i < 60; ++i) {
    owners.push_back(std::make_unique<FakeOwner>(1000 + i));
    owners.back()->choice.type = static_cast<uint8_t>(i % 4);
    files.push_back(std::make_unique<FileData>(*live.engine, *owners.back(), 0));
  }
  const auto bytes_of_file = [](unsigned i) { return compressible(i * 5000 + 1, i); };
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = t; i < 60; i += 4) (void)files[i]->write(0, {ByteSpan(bytes_of_file(i))}, t % 2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(live.engine->flush_all().has_value());
  for (unsigned i = 0; i < 60; ++i) {
    const Bytes expected = bytes_of_file(i);
    REQUIRE((live.backend->on_disk(1000 + i, expected.size()) == expected));
  }
  CHECK(live.engine->services().domains.dirty_pages() == 0);
  CHECK(live.engine->stats_text().find("domain_0_dirty_pages 0\n") != std::string::npos);
}

TEST_CASE("a failed sync says so once") {
  Rig rig;
  RigFile& file = rig.open();
  rig.backend->failures[Step::write] = {1};
  rig.write(file, 0, noise(50'000, 1));
  CHECK_FALSE(rig.engine->flush_all().has_value());
  CHECK(rig.engine->flush_all().has_value());
  file.model.clear();
}

}  // namespace butterfuse::space_test
