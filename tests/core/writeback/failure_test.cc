// SPDX-License-Identifier: GPL-2.0-or-later
// I6: a failure at any step gives all back once, is told to every open file once, and hurts nobody else.
#include "tests/core/writeback/rig.h"

namespace butterfuse::failure_test {
namespace {

// Compressed, uncompressed, mixed and inline data on their way; every stage is taken.
void work(Rig& rig, RigFile& big, RigFile& small) {
  (void)rig.try_write(big, 0, compressible(700 << 10, 1));
  (void)rig.try_write(big, 700 << 10, noise(700 << 10, 2));
  (void)rig.try_write(small, 0, noise(1500, 3));
  rig.start_flush(big);
  rig.start_flush(small);
  (void)rig.try_write(big, 100'000, noise(300, 4));  // waits, fills nothing
  (void)rig.try_flush(big);
  rig.services().cache.drop_clean();
  (void)rig.try_write(big, 1 << 20, noise(99, 4));  // reads the page first
  (void)rig.try_flush(big);
  (void)rig.try_flush(small);
}

}  // namespace

TEST_CASE("a failure is told to who waited for the writeback, and still to each open file") {
  Rig rig;
  RigFile& file = rig.open();
  uint64_t open = file.data->error_cursor();
  rig.write(file, 0, noise(50'000, 1));
  rig.backend->failures[Step::write] = {rig.backend->calls[Step::write] + 1};
  rig.backend->fail_code = EIO;
  CHECK_FALSE(rig.try_flush(file));
  CHECK_FALSE(file.data->take_error(open));
  rig.write(file, 0, noise(50'000, 2));
  CHECK(rig.try_flush(file));
  CHECK(file.data->take_error(open));
}

TEST_CASE("I6: each step's failure releases every lock and promise, and later work goes on") {
  const Step step = GENERATE(from_range(std::begin(kAllSteps), std::end(kAllSteps)));
  const int code = GENERATE(EIO, ENOSPC);
  int calls = 0;
  {
    Rig rig;
    work(rig, rig.open(compression_type::kZstd), rig.open());
    calls = rig.backend->calls[step];
  }
  REQUIRE(calls > 0);
  for (int failing = 1; failing <= calls; ++failing) {
    CAPTURE(static_cast<int>(step), failing, code);
    Rig rig;
    RigFile& big = rig.open(compression_type::kZstd);
    RigFile& small = rig.open();
    RigFile& bystander = rig.open();
    rig.write(bystander, 0, noise(50'000, 5));
    rig.backend->failures[step] = {rig.backend->calls[step] + failing};
    rig.backend->fail_code = code;
    uint64_t first_open = big.data->error_cursor(), second_open = big.data->error_cursor();
    uint64_t small_open = small.data->error_cursor();
    work(rig, big, small);
    for (RigFile* file : {&big, &small, &bystander}) rig.check_quiet(*file);
    rig.flush(bystander);
    rig.check_disk(bystander);
    const bool written_back =
        step == Step::alloc || step == Step::write || step == Step::finish || step == Step::insert_inline;
    const Status first = big.data->take_error(first_open), second = big.data->take_error(second_open);
    const Status small_error = small.data->take_error(small_open);
    CHECK(first.has_value() == second.has_value());       // each open file is told
    CHECK(big.data->take_error(first_open).has_value());  // and once
    // An ENOSPC at the compressed allocation falls back; all other failures of writeback are told.
    if (written_back && step != Step::alloc) CHECK((!first || !small_error));
    if (!written_back) CHECK((first.has_value() && small_error.has_value()));
    if (first && small_error && written_back == false && step != Step::read) {
      rig.check_disk(big);
    }
    // The next write is not hurt.
    rig.backend->failures.clear();
    big.model = *rig.read(big, 0, 4 << 20);
    rig.write(big, 0, compressible(1 << 20, 7));
    rig.flush(big);
    rig.check_disk(big);
    CHECK(big.data->take_error(first_open).has_value());
  }
}

TEST_CASE("I6: failures in random schedules leave all counters at zero") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Rig rig;
    RigFile& file = rig.open(compression_type::kZstd);
    RigFile& other = rig.open(compression_type::kNone);
    rig.when_stalled = [&] {
      const size_t depth = rig.workers.queue_depth();
      return depth > 0 ? rig.workers.run_one(random() % depth) : rig.readers.run_one();
    };
    for (const Step step : kAllSteps)
      for (int i = 0; i < 3; ++i) rig.backend->failures[step].insert(static_cast<int>(1 + random() % 20));
    for (int i = 0; i < 40; ++i) {
      RigFile& one = random() % 2 != 0 ? file : other;
      const size_t size = 1 + random() % 300'000;
      switch (random() % 6) {
        case 0:
          rig.start_flush(one);
          break;
        case 1:
          (void)rig.try_flush(one);
          break;
        case 2:
          (void)one.data->truncate_pages(std::min<uint64_t>(random() % (1 << 20), one.data->size()));
          break;
        case 3:
          (void)rig.read(one, random() % (1 << 20), size);
          break;
        default:
          (void)rig.try_write(one, random() % (1 << 20),
                              random() % 2 != 0 ? noise(size, i) : compressible(size, i));
      }
      for (unsigned n = random() % 4; n > 0 && rig.workers.queue_depth() > 0; --n)
        rig.workers.run_one(random() % rig.workers.queue_depth());
    }
    for (RigFile* one : {&file, &other}) {
      (void)rig.try_flush(*one);
      rig.check_quiet(*one);
    }
  }
}

TEST_CASE("I6: an unknown codec is no reason to lose data") {
  Rig rig;
  RigFile& file = rig.open(77);
  rig.write(file, 0, compressible(300'000, 1));
  rig.flush(file);
  CHECK(rig.stats().fallback_codec_error == 3);
  rig.check_disk(file);
}

TEST_CASE("errors are told once to each open file, and to a later open only if nobody heard them") {
  ErrorSequence errors;
  uint64_t early = errors.cursor();
  CHECK(errors.take(early).has_value());
  errors.record({EIO, "lost"});
  uint64_t late = errors.cursor();
  CHECK_FALSE(errors.take(early).has_value());
  CHECK_FALSE(errors.take(late).has_value());
  CHECK(errors.take(early).has_value());
  uint64_t after = errors.cursor();
  CHECK(errors.take(after).has_value());
}

}  // namespace butterfuse::failure_test
