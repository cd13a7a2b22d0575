// SPDX-License-Identifier: GPL-2.0-or-later
// I7: truncation, unlink, hole punching and eviction against chunks in flight, at every step of them.
#include "tests/core/writeback/rig.h"

namespace butterfuse::cancel_test {
namespace {

uint64_t written_pages(Rig& rig) {
  uint64_t sum = 0;
  for (const auto& domain : rig.services().domains.all()) sum += domain->written_pages();
  return sum;
}

// Starts writeback of 1.5 MiB, lets `steps` tasks run in an order drawn from the seed, then calls `cut`,
// which meets chunks at every stage. False when no task was left, so that more steps make no difference.
template <class Cut>
bool at_step(int steps, unsigned seed, uint8_t compression, Cut cut) {
  Rig rig;
  RigFile& file = rig.open(compression);
  rig.write(file, 0, compressible(800 << 10, seed));
  rig.write(file, 800 << 10, noise(700 << 10, seed));
  rig.start_flush(file);
  std::mt19937 random(seed);
  rig.when_stalled = [&] {
    return rig.workers.run_one(random() % std::max<size_t>(rig.workers.queue_depth(), 1));
  };
  bool any = true;
  for (int i = 0; i < steps && any; ++i)
    any = rig.workers.run_one(random() % std::max<size_t>(rig.workers.queue_depth(), 1));
  cut(rig, file);
  rig.run_all();
  rig.check_quiet(file);
  // Each dirty page was cancelled or written, and none both or neither.
  CHECK(written_pages(rig) + rig.stats().cancelled_pages == 375);
  return any;
}

template <class Cut>
void at_every_step(Cut cut) {
  for (const uint8_t compression : {compression_type::kNone, compression_type::kZstd}) {
    for (unsigned seed = 1; seed <= 4; ++seed) {
      int steps = 0;
      while (at_step(steps, seed, compression, cut)) ++steps;
    }
  }
}

}  // namespace

TEST_CASE("I7: truncation against chunks in flight cancels each page or writes it") {
  const uint64_t new_size = GENERATE(0u, 100u << 10, 512u << 10, 900u << 10);
  at_every_step([&](Rig& rig, RigFile& file) {
    REQUIRE(file.data->truncate_pages(new_size).has_value());
    rig.backend->inserted.clear();
    rig.backend->truncate(257, new_size);
    file.data->lower_disk_size(new_size);
    file.data->raise_disk_size();
    file.model.resize(new_size);
    rig.run_all();
    for (const ByteRange range : rig.backend->inserted) CHECK(range.start < std::max<uint64_t>(new_size, 1));
    for (const auto& [start, extent] : rig.backend->file(257))
      CHECK(start + extent.length <= round_up(new_size, 4096));
    rig.check_content(file);
    rig.flush(file);
    rig.check_disk(file);
    CHECK(file.data->disk_size() == new_size);
  });
}

TEST_CASE("I7: a dead file's data is thrown away, what is in flight is not inserted afterwards") {
  at_every_step([&](Rig& rig, RigFile& file) {
    file.data->invalidate();
    CHECK_FALSE(file.data->has_dirty_or_ordered());
    rig.backend->inserted.clear();
    rig.run_all();
    CHECK(rig.backend->inserted.empty());
    CHECK(rig.services().domains.dirty_pages() == 0);
    file.model.clear();
  });
}

TEST_CASE("I7: a hole punched among chunks in flight stays a hole") {
  at_every_step([&](Rig& rig, RigFile& file) {
    const ByteRange hole{64 << 10, 1 << 20};
    REQUIRE(file.data->zero_edges(hole).has_value());
    file.data->drop_pages({round_up(hole.start, 4096), round_down(hole.end, 4096)});
    rig.backend->punch(257, hole);
    std::fill(file.model.begin() + static_cast<ptrdiff_t>(hole.start),
              file.model.begin() + static_cast<ptrdiff_t>(hole.end), std::byte{0});
    rig.check_content(file);
    rig.flush(file);
    rig.check_disk(file);
  });
}

TEST_CASE("I7: eviction at any step takes only what is clean") {
  at_every_step([&](Rig& rig, RigFile& file) {
    rig.services().cache.drop_clean();
    rig.check_content(file);
    rig.run_all();
    rig.services().cache.drop_clean();
    CHECK(rig.services().cache.resident_bytes() == 0);
    rig.check_content(file);
    rig.check_disk(file);
  });
}

TEST_CASE("punching and truncating inside pages zeroes exactly the bytes named") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(40'000, 1));
  rig.flush(file);
  const auto zero = [&](uint64_t start, uint64_t end) {
    REQUIRE(file.data->zero_edges({start, end}).has_value());
    file.data->drop_pages({round_up(start, 4096), round_down(end, 4096)});
    const ByteRange whole{round_up(start, 4096), round_down(end, 4096)};
    if (!whole.empty()) rig.backend->punch(257, whole);
    std::fill(file.model.begin() + static_cast<ptrdiff_t>(start),
              file.model.begin() + static_cast<ptrdiff_t>(end), std::byte{0});
    rig.check_content(file);
    rig.flush(file);
    rig.check_disk(file);
  };
  zero(100, 200);
  zero(4000, 5000);
  zero(8192, 12'288);
  zero(13'000, 30'000);
  REQUIRE(file.data->truncate_pages(35'001).has_value());
  rig.backend->truncate(257, 35'001);
  REQUIRE(file.data->zero_old_end().has_value());
  file.data->extend(50'000);
  file.model.resize(35'001);
  file.model.resize(50'000);
  rig.check_content(file);
  rig.flush(file);
  rig.services().cache.drop_clean();
  rig.check_content(file);
  rig.check_disk(file);
}

TEST_CASE("a truncation that finds no space for the tail page still shows zeros when the file grows again") {
  Rig rig;
  RigFile& file = rig.open();
  rig.write(file, 0, noise(8192, 1));
  rig.flush(file);
  rig.backend->fail_code = ENOSPC;
  const int calls = rig.backend->calls[Step::reserve_data];
  rig.backend->failures[Step::reserve_data] = {calls + 1, calls + 2, calls + 3};
  REQUIRE(file.data->truncate_pages(5000).has_value());
  rig.backend->truncate(257, 5000);
  rig.backend->failures.clear();
  REQUIRE(file.data->zero_old_end().has_value());
  file.data->extend(8192);
  file.model.resize(5000);
  file.model.resize(8192);
  rig.check_content(file);
  rig.flush(file);
  rig.check_disk(file);
}

}  // namespace butterfuse::cancel_test
