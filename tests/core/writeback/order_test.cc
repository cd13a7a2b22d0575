// SPDX-License-Identifier: GPL-2.0-or-later
// I5: submission in file order, and readers that see old data or new data and nothing else.
#include "tests/core/writeback/rig.h"

namespace butterfuse::order_test {

TEST_CASE("I5: async extents get their space in file order, however the workers finish") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  rig.write(file, 0, compressible(4 << 20, 1));
  rig.start_flush(file);
  REQUIRE(rig.workers.queue_depth() == 8);
  while (rig.workers.queue_depth() > 0) rig.workers.run_one(rig.workers.queue_depth() - 1);  // last first
  uint64_t last = 0;
  for (const auto& [start, extent] : rig.backend->file(257)) {
    CHECK(extent.disk.start > last);
    last = extent.disk.start;
  }
  CHECK(last > 0);
  rig.check_disk(file);
}

TEST_CASE("I5: at every step of an overwrite a reader sees the new data, and the disk old or new blocks") {
  const unsigned seed = GENERATE(1u, 2u, 3u, 4u, 5u);
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  rig.write(file, 0, compressible(1 << 20, 1));
  rig.flush(file);
  const Bytes old = file.model;
  rig.write(file, 50'000, noise(600'000, 2));
  rig.write(file, 700'000, compressible(200'000, 3));
  rig.start_flush(file);
  std::mt19937 random(seed);
  for (;;) {
    rig.services().cache.drop_clean();
    rig.check_content(file);
    const Bytes disk = rig.backend->on_disk(257, old.size());
    for (size_t block = 0; block < old.size(); block += 4096) {
      const auto same = [&](const Bytes& version) {
        return std::equal(disk.begin() + static_cast<ptrdiff_t>(block),
                          disk.begin() + static_cast<ptrdiff_t>(block) + 4096,
                          version.begin() + static_cast<ptrdiff_t>(block));
      };
      REQUIRE((same(old) || same(file.model)));
    }
    if (rig.workers.queue_depth() == 0) break;
    rig.workers.run_one(random() % rig.workers.queue_depth());
  }
  rig.check_disk(file);
}

TEST_CASE("I8: a write to a page in the pipeline waits, and neither version is damaged") {
  for (int steps = 0; steps < 8; ++steps) {
    Rig rig;
    RigFile& file = rig.open(compression_type::kZlib);
    rig.write(file, 0, compressible(512 << 10, 1));
    const Bytes first = file.model;
    rig.start_flush(file);
    for (int i = 0; i < steps; ++i) rig.workers.run_one();
    // When the page comes free its first version is on disk, with checksums that match.
    rig.write(file, 4096, noise(4096, 2));
    rig.run_all();
    REQUIRE((rig.backend->on_disk(257, first.size()) == first));
    CHECK(rig.services().domains.dirty_pages() == 1);
    rig.flush(file);
    rig.check_disk(file);
  }
}

TEST_CASE("I9: what was flushed is in the trees, and the size told covers exactly that") {
  std::mt19937 random(3);
  Rig rig;
  RigFile& file = rig.open(compression_type::kLzo);
  for (int i = 0; i < 60; ++i) {
    const size_t size = 1 + random() % 200'000;
    rig.write(file, random() % (1 << 20), random() % 2 != 0 ? noise(size, i) : compressible(size, i));
    rig.when_stalled = [&] {
      return rig.workers.run_one(random() % std::max<size_t>(rig.workers.queue_depth(), 1));
    };
    rig.flush(file);
    rig.check_disk(file);  // with no other task run
    REQUIRE(file.owner.told_disk_size == file.model.size());
    REQUIRE(file.data->disk_size() == file.model.size());
  }
}

TEST_CASE("I9: before a flush the size told never covers bytes that are not in the trees") {
  std::mt19937 random(4);
  for (unsigned round = 0; round < 20; ++round) {
    Rig rig;
    RigFile& file = rig.open(round % 2 != 0 ? compression_type::kZstd : compression_type::kNone);
    for (int i = 0; i < 30; ++i) {
      const size_t size = 1 + random() % 300'000;
      rig.write(file, file.model.size(), compressible(size, i));
      if (random() % 3 == 0) rig.start_flush(file);
      for (unsigned n = random() % 3; n > 0 && rig.workers.queue_depth() > 0; --n)
        rig.workers.run_one(random() % rig.workers.queue_depth());
      const uint64_t told = file.data->disk_size();
      const Bytes disk = rig.backend->on_disk(257, told);
      REQUIRE(std::equal(disk.begin(), disk.end(), file.model.begin()));
    }
  }
}

}  // namespace butterfuse::order_test
