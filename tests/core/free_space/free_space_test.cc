// SPDX-License-Identifier: GPL-2.0-or-later
// Free space of one block group in memory, against a plain vector of booleans.
#include "core/free_space/free_space.h"

#include <catch2/catch.hpp>
#include <random>

#include "core/free_space/free_space_delta.h"
#include "tests/support/growth.h"

namespace butterfuse::free_space_test {
namespace {

constexpr uint32_t kUnit = 4096;
constexpr uint64_t kStart = 13631488;

// The same questions answered the slow way.
struct Model {
  explicit Model(uint64_t units) : free(units) {}
  std::vector<bool> free;

  uint64_t set(uint64_t first, uint64_t count, bool value) {
    uint64_t changed = 0;
    for (uint64_t i = first; i < first + count; i++) {
      changed += free[i] != value;
      free[i] = value;
    }
    return changed * kUnit;
  }
  uint64_t run_at(uint64_t unit, uint64_t enough) const {
    uint64_t length = 0;
    while (length < enough && unit + length < free.size() && free[unit + length]) length++;
    return length;
  }
  uint64_t find(uint64_t count, uint64_t align_units, uint64_t from) const {
    for (uint64_t i = from; i < free.size(); i++) {
      if ((kStart / kUnit + i) % align_units == 0 && free[i] && run_at(i, count) >= count) return i;
    }
    return free.size();
  }
  uint64_t longest() const {
    uint64_t best = 0;
    for (uint64_t i = 0, run = 0; i < free.size(); i++) best = std::max(best, run = free[i] ? run + 1 : 0);
    return best;
  }
};

}  // namespace

TEST_CASE("free space answers as a plain model does, whatever was set and cleared") {
  for (const uint64_t units : {1ull, 63ull, 64ull, 4095ull, 4097ull, 9001ull}) {
    std::mt19937_64 random(units);
    FreeSpace space(ByteRange::at(kStart, units * kUnit), kUnit);
    Model model(units);
    for (int step = 0; step < 150; step++) {
      const uint64_t first = random() % units;
      const uint64_t most = random() % 4 == 0 ? units - first : std::min<uint64_t>(units - first, 70);
      const uint64_t count = 1 + random() % most;
      const ByteRange range = ByteRange::at(kStart + first * kUnit, count * kUnit);
      const bool value = random() % 2;
      REQUIRE((value ? space.set_free(range) : space.set_used(range)) == model.set(first, count, value));
      const uint64_t want = 1 + random() % 40, align = uint64_t{1} << random() % 5;
      const uint64_t from = random() % 2 ? 0 : random() % units;
      const auto found = space.find_run(want * kUnit, align * kUnit, kStart + from * kUnit);
      const uint64_t expected = model.find(want, align, from);
      REQUIRE(found.has_value() == (expected < units));
      if (found) REQUIRE(*found == kStart + expected * kUnit);
      if (step % 10 == 0) {
        REQUIRE(space.longest_run(~uint64_t{0}).length() == model.longest() * kUnit);
        REQUIRE(space.may_have_run(model.longest() * kUnit));
        uint64_t sum = 0;
        space.for_each_run([&](ByteRange run) { sum += run.length(); });
        REQUIRE(sum == space.free_bytes());
      }
    }
  }
}

TEST_CASE("the longest run stays the longest while runs are taken, cut and given back") {
  constexpr uint64_t kUnits = 9001;
  std::mt19937_64 random(2);
  FreeSpace space(ByteRange::at(kStart, kUnits * kUnit), kUnit);
  Model model(kUnits);
  const auto unit_of = [](uint64_t bytenr) { return (bytenr - kStart) / kUnit; };
  for (int step = 0; step < 3000; step++) {
    if (random() % 4 == 0) {
      const uint64_t first = random() % kUnits, count = 1 + random() % std::min<uint64_t>(kUnits - first, 60);
      const ByteRange range = ByteRange::at(kStart + first * kUnit, count * kUnit);
      REQUIRE(space.set_free(range) == model.set(first, count, true));
      continue;
    }
    const uint64_t enough = random() % 3 == 0 ? ~uint64_t{0} : (1 + random() % 50) * kUnit;
    const ByteRange run = space.longest_run(enough);
    const uint64_t longest = model.longest() * kUnit;
    REQUIRE(run.length() >= std::min(enough, longest));
    REQUIRE(run.length() <= longest);
    REQUIRE(space.run_bound() >= longest);
    if (run.empty()) continue;
    REQUIRE(space.all_free(run));
    const ByteRange taken = ByteRange::at(run.start, kUnit * (1 + random() % (run.length() / kUnit)));
    REQUIRE(space.set_used(taken) == model.set(unit_of(taken.start), taken.length() / kUnit, false));
  }
}

TEST_CASE("a run of a group that is all in pieces costs the same to find, however many pieces") {
  const auto take_all = [](int pieces) {
    const uint64_t units = static_cast<uint64_t>(pieces) * 8;
    FreeSpace space(ByteRange::at(kStart, units * kUnit), kUnit);
    for (uint64_t unit = 0; unit < units; unit += 8)
      space.set_free(ByteRange::at(kStart + unit * kUnit, (1 + unit / 8 % 4) * kUnit));
    for (ByteRange run = space.longest_run(1 << 20); !run.empty(); run = space.longest_run(1 << 20))
      space.set_used(run);
    REQUIRE(space.free_bytes() == 0);
  };
  CHECK(growth(take_all, 1'000, 32'000) < 8 * 32);
}

TEST_CASE("free space knows whether a range is all free or none of it") {
  FreeSpace space(ByteRange::at(kStart, 100 * kUnit), kUnit);
  space.set_free(ByteRange::at(kStart + 10 * kUnit, 20 * kUnit));
  CHECK(space.all_free(ByteRange::at(kStart + 10 * kUnit, 20 * kUnit)));
  CHECK_FALSE(space.all_free(ByteRange::at(kStart + 10 * kUnit, 21 * kUnit)));
  CHECK(space.none_free(ByteRange::at(kStart, 10 * kUnit)));
  CHECK_FALSE(space.none_free(ByteRange::at(kStart, 11 * kUnit)));
  CHECK_FALSE(space.all_free(ByteRange::at(kStart + 90 * kUnit, 20 * kUnit)));
}

TEST_CASE("queued changes that go forth and back leave nothing, and a range freed twice is refused") {
  constexpr uint64_t kUnits = 64;
  std::mt19937_64 random(1);
  FreeSpaceDelta delta;
  std::vector<bool> tree(kUnits), now(kUnits);
  for (int step = 0; step < 1500; step++) {
    const uint64_t first = random() % kUnits;
    uint64_t count = 1;
    while (first + count < kUnits && count < 8 && now[first + count] == now[first]) count++;
    const ByteRange range = ByteRange::at(first * kUnit, count * kUnit);
    const bool free = !now[first];
    REQUIRE(delta.record(range, free));
    for (uint64_t i = first; i < first + count; i++) now[i] = free;
    std::vector<bool> applied = tree;
    uint64_t last_end = 0;
    bool last_free = false;
    delta.for_each([&](ByteRange piece, bool piece_free) {
      REQUIRE(piece.start >= last_end);
      REQUIRE((piece.start > last_end || piece.start == 0 || piece_free != last_free));
      last_end = piece.end, last_free = piece_free;
      for (uint64_t i = piece.start / kUnit; i < piece.end / kUnit; i++) {
        REQUIRE(applied[i] != piece_free);  // no piece without effect
        applied[i] = piece_free;
      }
    });
    REQUIRE(applied == now);
    if (step % 100 == 99) delta = FreeSpaceDelta(), tree = now;
  }
  delta = FreeSpaceDelta();
  REQUIRE(delta.record({0, 8192}, true));
  CHECK_FALSE(delta.record({4096, 12288}, true));
  CHECK(delta.record({0, 8192}, false));
  CHECK(delta.empty());
}

}  // namespace butterfuse::free_space_test
