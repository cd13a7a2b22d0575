// SPDX-License-Identifier: GPL-2.0-or-later
// The pipeline end to end on the fake backend: what was written is on disk, in the form it should have.
#include "tests/core/writeback/rig.h"

namespace butterfuse::pipeline_test {

TEST_CASE("uncompressed data becomes one large extent with checksums") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(3 << 20, 1));
  CHECK(file.data->delalloc_bytes() == 3 << 20);
  rig.flush(file);
  CHECK(rig.backend->file(257).size() == 1);
  CHECK(rig.stats().bytes_uncompressed == 3 << 20);
  CHECK(file.owner.nbytes == 3 << 20);
  CHECK(file.owner.told_disk_size == 3 << 20);
  rig.check_disk(file);
  rig.check_quiet(file);
}

TEST_CASE("compressible data becomes extents of 128 KiB, in chunks of 512 KiB") {
  const uint8_t type = GENERATE(compression_type::kZlib, compression_type::kLzo, compression_type::kZstd);
  Rig rig;
  RigFile& file = rig.open(type);
  rig.write(file, 0, compressible(1 << 20, 1));
  rig.flush(file);
  CHECK(rig.stats().async_chunks == 2);
  CHECK(rig.stats().extents_compressed == 8);
  CHECK(rig.stats().disk_bytes_compressed < (1 << 20) / 2);
  rig.check_disk(file);
  rig.services().cache.drop_clean();
  rig.check_content(file);
  CHECK(rig.backend->calls[Step::write] == 2);   // a chunk is one write
  CHECK(rig.backend->calls[Step::finish] == 2);  // and one transaction
}

TEST_CASE("pieces are cut at multiples of 128 KiB of the file, so that overwrites replace whole extents") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  rig.write(file, 100 << 10, compressible(200 << 10, 1));
  rig.flush(file);
  std::vector<uint64_t> starts;
  for (const auto& [start, extent] : rig.backend->file(257)) starts.push_back(start >> 10);
  CHECK(starts == std::vector<uint64_t>{100, 128, 256});
  rig.check_disk(file);
}

TEST_CASE("data that does not compress is stored as it is and costs only itself") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  rig.write(file, 0, noise(512 << 10, 1));
  rig.write(file, 512 << 10, compressible(512 << 10, 2));
  rig.flush(file);
  CHECK(rig.stats().extents_uncompressed == 1);
  CHECK(rig.stats().extents_compressed == 4);
  CHECK(rig.stats().fallback_heuristic == 4);
  CHECK(file.owner.incompressible == 0);
  rig.check_disk(file);
}

TEST_CASE("after failures of the codec a few pieces are skipped, never the rest of the file") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  CompressionBackoff& backoff = file.state().backoff;
  for (int i = 0; i < 6; ++i) backoff.failed();
  int skipped = 0;
  while (!backoff.should_try()) ++skipped;
  CHECK(skipped == 16);
  backoff.failed();
  rig.write(file, 0, compressible(4 << 20, 2));
  rig.flush(file);
  CHECK(rig.stats().fallback_skipped == 16);
  CHECK(rig.stats().extents_compressed == 16);
  rig.check_disk(file);
}

TEST_CASE("compress-force tries every piece and still keeps only what saves a sector") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZlib, true);
  rig.write(file, 0, noise(256 << 10, 1));
  rig.flush(file);
  CHECK(rig.stats().pieces_tried == 2);
  CHECK(rig.stats().fallback_not_smaller == 2);
  CHECK(rig.stats().extents_compressed == 0);
  rig.check_disk(file);
}

TEST_CASE("a small whole file becomes an inline extent") {
  Rig rig;
  RigFile& plain = rig.open();
  rig.write(plain, 0, noise(1000, 1));
  rig.flush(plain);
  CHECK(rig.stats().extents_inline == 1);
  CHECK(plain.owner.nbytes == 1000);
  CHECK(plain.owner.told_disk_size == 1000);
  RigFile& packed = rig.open(compression_type::kZstd);
  rig.write(packed, 0, compressible(4000, 1));
  rig.flush(packed);
  CHECK(rig.stats().extents_inline_compressed == 1);
  RigFile& large = rig.open();
  rig.write(large, 0, noise(2500, 1));  // more than max_inline=2048
  rig.flush(large);
  CHECK(rig.stats().extents_uncompressed == 1);
  for (RigFile* file : {&plain, &packed, &large}) {
    rig.check_disk(*file);
    rig.services().cache.drop_clean();
    rig.check_content(*file);
    rig.check_quiet(*file);
  }
}

TEST_CASE("an inline file that grows becomes regular") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(1000, 1));
  rig.flush(file);
  rig.write(file, 100'000, noise(1000, 2));
  rig.flush(file);
  CHECK(rig.backend->file(257).at(0).inline_bytes.empty());
  rig.check_disk(file);
  CHECK(file.owner.nbytes == 4096 + 4096);
}

TEST_CASE("without a free run of the compressed size the data is stored uncompressed, in fragments") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZlib, true);
  rig.backend->allocator.longest_run = 8192;
  Bytes bytes = compressible(256 << 10, 1);
  const Bytes salt = noise(100 << 10, 3);
  std::copy(salt.begin(), salt.end(), bytes.begin());  // compresses, but not to two sectors
  rig.write(file, 0, bytes);
  rig.flush(file);
  CHECK(rig.stats().fallback_no_room == 2);
  CHECK(rig.stats().extents_uncompressed == 32);
  CHECK(rig.stats().failed_extents == 0);
  rig.check_disk(file);
}

TEST_CASE("nodatasum files get no checksums and no compression") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kZstd);
  file.owner.no_csums = true;
  rig.write(file, 0, compressible(256 << 10, 1));
  rig.flush(file);
  CHECK(rig.stats().extents_compressed == 0);
  rig.check_disk(file);
}

TEST_CASE("the size on disk never covers bytes that are not on disk") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(1 << 20, 1));
  REQUIRE(file.data->flush({512 << 10, 1 << 20}, false).has_value());
  CHECK(file.data->disk_size() == 0);
  rig.run_all();
  rig.write(file, 4 << 20, noise(5000, 2));
  CHECK(file.data->disk_size() <= 1 << 20);
  rig.flush(file);
  CHECK(file.data->disk_size() == (4 << 20) + 5000);
  CHECK(file.owner.told_disk_size == (4 << 20) + 5000);
  rig.check_disk(file);
}

TEST_CASE("extents that finish out of order raise the size on disk only when the gap is closed") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(4 << 20, 1));  // two write units, but one extent
  rig.write(file, 100 << 20, noise(8192, 1));
  rig.start_flush(file);
  REQUIRE(rig.workers.queue_depth() == 3);
  rig.workers.run_one(2);
  CHECK(file.owner.told_disk_size == 0);
  rig.run_all();
  CHECK(file.owner.told_disk_size == (100 << 20) + 8192);
}

TEST_CASE("little that is waited for overtakes a stream that has all slots, and much does not") {
  Rig rig;
  RigFile& stream = rig.open(compression_type::kZstd);
  RigFile& small = rig.open(compression_type::kZstd);
  RigFile& large = rig.open(compression_type::kZstd);
  constexpr size_t kChunks = 32;
  for (size_t chunk = 0; chunk < kChunks; ++chunk) rig.write(stream, chunk << 19, compressible(512 << 10, 1));
  rig.start_flush(stream);
  REQUIRE(rig.services().pipeline.in_flight.taken() == kChunks);
  REQUIRE(rig.workers.queue_depth() == kChunks);
  rig.write(small, 0, compressible(64 << 10, 2));
  rig.flush(small);
  CHECK(rig.workers.queue_depth() == kChunks);  // none of the stream's has begun
  rig.check_disk(small);
  rig.write(large, 0, compressible(2 << 20, 3));
  rig.flush(large);
  CHECK(rig.workers.queue_depth() < kChunks);
  rig.check_disk(large);
  rig.run_all();
  rig.flush(stream);
  rig.check_disk(stream);
}

TEST_CASE("what is waited for of a file does not overtake its chunks before it") {
  Rig rig;
  RigFile& stream = rig.open(compression_type::kZstd);
  RigFile& file = rig.open(compression_type::kZstd);
  rig.write(stream, 0, compressible(4 << 20, 1));
  rig.start_flush(stream);
  rig.write(file, 0, compressible(1 << 20, 2));
  rig.start_flush(file);
  rig.write(file, 1 << 20, compressible(256 << 10, 3));
  rig.flush(file);
  rig.check_disk(file);
  uint64_t end = 0;
  for (const auto& [at, extent] : rig.backend->file(file.owner.ino())) {
    CHECK(extent.disk.start >= end);
    end = extent.disk.end;
  }
  // The next one has nothing before it.
  rig.write(stream, 4 << 20, compressible(4 << 20, 1));
  rig.start_flush(stream);
  const size_t queued = rig.workers.queue_depth();
  rig.write(file, 0, compressible(256 << 10, 4));
  rig.flush(file);
  CHECK(rig.workers.queue_depth() == queued);
  rig.run_all();
}

TEST_CASE("a file of many small writes is what a model says") {
  Rig rig;
  RigFile& file = rig.open(compression_type::kLzo);
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    const uint64_t offset = random() % (2 << 20);
    const size_t size = 1 + random() % 20'000;
    rig.write(file, offset, random() % 2 != 0 ? noise(size, i) : compressible(size, i));
    if (random() % 20 == 0) rig.flush(file);
    if (random() % 30 == 0) rig.services().cache.drop_clean();
  }
  rig.check_content(file);
  rig.flush(file);
  rig.check_disk(file);
}

}  // namespace butterfuse::pipeline_test
