// SPDX-License-Identifier: GPL-2.0-or-later
// Rig: a data engine over the fake backend, on executors whose schedule the test chooses; leaks are counted.
#pragma once

#include <catch2/catch.hpp>
#include <random>

#include "compress/executor.h"
#include "core/file_data/data_engine_services.h"
#include "core/file_data/file_data_impl.h"
#include "core/ondisk/constants.h"
#include "tests/core/writeback/fake_backend.h"

using Bytes = std::vector<std::byte>;

inline Bytes compressible(size_t size, unsigned seed) {
  static const char* const words[] = {"delalloc ", "ordered ", "extent ", "folio ", "chunk ", "btrfs "};
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < size) text += words[random() % 6] + std::to_string(random() % 100);
  const auto bytes = butterfuse::as_bytes(text).first(size);
  return {bytes.begin(), bytes.end()};
}
inline Bytes noise(size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::byte& one : bytes) one = static_cast<std::byte>(random());
  return bytes;
}

// One open file and the bytes it should have.
struct RigFile {
  RigFile(butterfuse::DataEngine& engine, uint64_t ino, butterfuse::CompressChoice choice)
      : owner(ino), data(std::make_unique<butterfuse::FileData>(engine, owner, 0)) {
    owner.choice = choice;
  }
  butterfuse::FileState& state() { return data->impl().state; }

  FakeOwner owner;
  Bytes model;
  butterfuse::ReadaheadWindow reader;
  std::unique_ptr<butterfuse::FileData> data;
};

struct Rig {
  explicit Rig(butterfuse::DataEngineOptions options = {}, uint64_t disk_bytes = 64 << 20) {
    auto owned = std::make_unique<FakeBackend>(disk_bytes);
    backend = owned.get();
    butterfuse::DataEngineParts parts;
    parts.backend = std::move(owned);
    parts.workers = &workers;
    parts.readers = &readers;
    parts.flusher = false;
    parts.stall = [this] { on_stall(); };
    engine = butterfuse::make_data_engine(std::move(parts), options);
  }
  ~Rig() {
    while (!files.empty()) close(*files.back());
    run_all();
    check_no_leaks();
  }

  RigFile& open(uint8_t compression = butterfuse::compression_type::kNone, bool force = false) {
    return *files.emplace_back(std::make_unique<RigFile>(*engine, 257 + opened++,
                                                         butterfuse::CompressChoice{compression, 0, force}));
  }
  void close(RigFile& file) {
    run_all();
    REQUIRE(file.data->flush({0, ~uint64_t{0}}, true).has_value());
    run_all();
    file.data.reset();
    std::erase_if(files, [&](const auto& one) { return one.get() == &file; });
  }

  butterfuse::Result<size_t> try_write(RigFile& file, uint64_t offset, const Bytes& bytes,
                                       butterfuse::DomainId domain = 1) {
    auto written = file.data->write(offset, {butterfuse::ByteSpan(bytes)}, domain);
    if (written) {
      if (file.model.size() < offset + *written) file.model.resize(offset + *written);
      std::copy_n(bytes.begin(), *written, file.model.begin() + static_cast<ptrdiff_t>(offset));
    }
    return written;
  }
  void write(RigFile& file, uint64_t offset, const Bytes& bytes, butterfuse::DomainId domain = 1) {
    const auto written = try_write(file, offset, bytes, domain);
    if (!written) FAIL(written.error().message);
    REQUIRE(*written == bytes.size());
  }
  butterfuse::Result<Bytes> read(RigFile& file, uint64_t offset, size_t length) {
    Bytes result;
    BF_TRY(file.data->read(offset, length, file.reader, [&](const std::vector<butterfuse::ByteSpan>& pieces) {
      for (const auto piece : pieces) result.insert(result.end(), piece.begin(), piece.end());
    }));
    return result;
  }
  // The whole file, from the cache and from the disk, is what was written.
  void check_content(RigFile& file) {
    const auto cached = read(file, 0, file.model.size() + 1);
    REQUIRE(cached.has_value());
    REQUIRE((*cached == file.model));
  }
  void check_disk(RigFile& file) {
    REQUIRE((backend->on_disk(file.owner.ino(), file.model.size()) == file.model));
  }
  void flush(RigFile& file) { REQUIRE(try_flush(file).has_value()); }
  butterfuse::Status try_flush(RigFile& file) {
    butterfuse::Status status = file.data->flush({0, ~uint64_t{0}}, true);
    CHECK_FALSE(file.data->has_dirty_or_ordered());
    return status;
  }
  void start_flush(RigFile& file) { REQUIRE(file.data->flush({0, ~uint64_t{0}}, false).has_value()); }
  void run_all() {
    while (workers.run_all() + readers.run_all() > 0) {
    }
  }
  butterfuse::DataEngine::Services& services() { return engine->services(); }
  butterfuse::PipelineStats& stats() { return services().pipeline.stats; }

  // The leak list: everything that is counted is zero again.
  void check_no_leaks() {
    CHECK(services().domains.dirty_pages() == 0);
    CHECK(services().domains.writeback_pages() == 0);
    CHECK(backend->allocator.data_promised == 0);
    CHECK(backend->allocator.metadata_promised == 0);
    CHECK(services().cache.pool().buffers_in_use() == 0);
    CHECK(services().cache.resident_bytes() == 0);
    CHECK(services().pipeline.in_flight.taken() == 0);
    CHECK(services().pipeline.async_cow.depth() == 0);
    CHECK(services().pipeline.async_cow_awaited.depth() == 0);
    CHECK(stats().ordered_extents == 0);
    CHECK(services().dirty_files.count() == 0);
  }
  // What must hold of one file whenever nothing runs.
  void check_quiet(RigFile& file) {
    const auto counts = file.state().mapping->counts();
    CHECK(counts.locked == 0);
    CHECK(counts.writeback == 0);
    CHECK(counts.pins == 0);
    CHECK(file.state().extents.locked_ranges() == 0);
    CHECK(file.state().ordered.count() == 0);
    CHECK(file.state().space.data_bytes() == file.state().extents.delalloc_bytes());
    CHECK(counts.dirty * 4096 == file.state().extents.delalloc_bytes());
    CHECK(counts.dirty == file.state().mapping->dirty_pages());
  }

  FakeBackend* backend = nullptr;
  butterfuse::ManualExecutor workers, readers;
  std::unique_ptr<butterfuse::DataEngine> engine;
  std::vector<std::unique_ptr<RigFile>> files;
  uint64_t opened = 0;
  int stalls = 0;
  // What a thread that must wait lets happen; default: the oldest task.
  std::function<bool()> when_stalled = [this] { return workers.run_one() || readers.run_one(); };

 private:
  void on_stall() {
    ++stalls;
    if (!when_stalled()) {
      std::fprintf(stderr, "dead lock: a thread waits and no task is left to run\n");
      std::abort();
    }
  }
};
