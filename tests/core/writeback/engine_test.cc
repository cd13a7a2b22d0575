// SPDX-License-Identifier: GPL-2.0-or-later
// The data engine on real images, with threads: what was written reads back, and btrfs check is content.
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "tests/core/writeback/engine_files.h"
#include "tests/core/writeback/rig.h"
#include "tests/support/btrfs_check.h"

namespace butterfuse::engine_test {
namespace {

Bytes read_all(FileData& data, uint64_t size) {
  Bytes result;
  ReadaheadWindow reader;
  while (result.size() < size) {
    must(data.read(result.size(), 1 << 20, reader, [&](const std::vector<ByteSpan>& pieces) {
      for (const ByteSpan piece : pieces) result.insert(result.end(), piece.begin(), piece.end());
    }));
  }
  return result;
}

void write(FileData& data, uint64_t offset, const Bytes& bytes) {
  REQUIRE(must(data.write(offset, {ByteSpan(bytes)}, 1)) == bytes.size());
}

struct Mounted {
  explicit Mounted(const std::vector<std::string>& mkfs = {}, const DataEngineOptions& options = {},
                   unsigned long long bytes = 512ull << 20)
      : image(mkfs, bytes), engine(DataEngine::create(image.filesystem(), options)) {}
  EngineFile& open(uint64_t ino, uint8_t compression) {
    return *files.emplace_back(std::make_unique<EngineFile>(image.filesystem(), *engine, ino,
                                                            CompressChoice{compression, 0, false}));
  }
  void close_and_check() {
    must(engine->flush_all());
    files.clear();
    engine.reset();
    CHECK(image.close_and_check() == "");
  }
  MkfsImage image;
  std::unique_ptr<DataEngine> engine;
  std::vector<std::unique_ptr<EngineFile>> files;
};

}  // namespace

TEST_CASE("files of each codec read back after a remount of the cache, and the image is clean") {
  if (!have_btrfs_progs()) return;
  Mounted mounted;
  std::vector<std::pair<EngineFile*, Bytes>> expected;
  uint64_t ino = 257;
  for (const uint8_t type :
       {compression_type::kNone, compression_type::kZlib, compression_type::kLzo, compression_type::kZstd}) {
    for (const size_t size :
         {size_t{1}, size_t{1000}, size_t{4096}, size_t{5000}, size_t{300'000}, size_t{9 << 20}}) {
      EngineFile& file = mounted.open(ino, type);
      Bytes bytes = compressible(size, static_cast<unsigned>(ino));
      if (size > 1 << 20) {
        const Bytes salt = noise(1 << 20, 1);
        std::copy(salt.begin(), salt.end(), bytes.begin() + (2 << 20));
      }
      for (size_t at = 0; at < size; at += 1 << 20)
        write(*file.data, at,
              Bytes(bytes.begin() + static_cast<ptrdiff_t>(at),
                    bytes.begin() + static_cast<ptrdiff_t>(std::min<size_t>(size, at + (1 << 20)))));
      expected.emplace_back(&file, std::move(bytes));
      ++ino;
    }
  }
  must(mounted.engine->flush_all());
  mounted.engine->drop_clean_pages();
  for (auto& [file, bytes] : expected) {
    REQUIRE((read_all(*file->data, bytes.size()) == bytes));
    CHECK(file->data->disk_size() == bytes.size());
  }
  mounted.close_and_check();
}

TEST_CASE("random writes, truncations and reads from threads match a model on a clean image") {
  if (!have_btrfs_progs()) return;
  const std::vector<std::string> features =
      GENERATE(std::vector<std::string>{}, std::vector<std::string>{"-O", "^no-holes"},
               std::vector<std::string>{"-n", "4096"});
  Mounted mounted(features,
                  {.cache_bytes = 16 << 20, .dirty_limit_bytes = 6 << 20, .dirty_background_bytes = 2 << 20});
  std::vector<std::thread> threads;
  std::vector<EngineFile*> files;
  for (uint64_t i = 0; i < 4; ++i) files.push_back(&mounted.open(257 + i, static_cast<uint8_t>(i)));
  std::atomic<int> wrong{0};
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&, i, &data = *files[i]->data] {
      std::mt19937 random(i);
      Bytes model;
      for (unsigned step = 0; step < 250; ++step) {
        const uint64_t offset = random() % (8 << 20);
        const size_t size = 1 + random() % (random() % 4 == 0 ? 1 << 20 : 20'000);
        switch (random() % 8) {
          case 0: {
            if (step % 3 != 0) break;
            model.resize(offset);
            files[i]->truncate(offset);
            break;
          }
          case 1: {
            must(data.flush({0, ~uint64_t{0}}, true));
            break;
          }
          case 2:
          case 3: {
            Bytes got;
            ReadaheadWindow reader;
            must(data.read(offset, size, reader, [&](const std::vector<ByteSpan>& pieces) {
              for (const ByteSpan piece : pieces) got.insert(got.end(), piece.begin(), piece.end());
            }));
            const size_t start = std::min<size_t>(offset, model.size()),
                         end = std::min(model.size(), offset + size);
            if (got != Bytes(model.begin() + static_cast<ptrdiff_t>(start),
                             model.begin() + static_cast<ptrdiff_t>(std::max(start, end))))
              ++wrong;
            break;
          }
          default: {
            const Bytes bytes = random() % 3 == 0 ? noise(size, step) : compressible(size, step);
            if (must(data.write(offset, {ByteSpan(bytes)}, i)) != size) ++wrong;
            model.resize(std::max<size_t>(model.size(), offset + size));
            std::copy(bytes.begin(), bytes.end(), model.begin() + static_cast<ptrdiff_t>(offset));
          }
        }
        if (step % 50 == 0) must(mounted.image.filesystem().commit());
      }
      must(data.flush({0, ~uint64_t{0}}, true));
      data.drop_clean_pages();
      if (read_all(data, model.size()) != model) ++wrong;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  mounted.close_and_check();
}

TEST_CASE("a full image says so at write time, and deleting gives the space back") {
  if (!have_btrfs_progs()) return;
  Mounted mounted({}, {.cache_bytes = 32 << 20, .dirty_limit_bytes = 16 << 20}, 150ull << 20);
  EngineFile& file = mounted.open(257, compression_type::kNone);
  const Bytes bytes = noise(1 << 20, 1);
  uint64_t written = 0;
  for (;;) {
    const auto result = file.data->write(written, {ByteSpan(bytes)}, 1);
    if (!result) {
      CHECK(result.error().code == ENOSPC);
      break;
    }
    written += *result;
    REQUIRE(written < 200u << 20);
  }
  CHECK(written > 20u << 20);
  must(mounted.engine->flush_all());
  uint64_t seen = 0;
  CHECK(file.data->take_error(seen = file.data->error_cursor()).has_value());
  CHECK(file.data->disk_size() == written);
  file.truncate(0);
  must(mounted.image.filesystem().commit());
  write(*file.data, 0, noise(10 << 20, 2));
  mounted.close_and_check();
}

}  // namespace butterfuse::engine_test
