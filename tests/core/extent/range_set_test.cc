// SPDX-License-Identifier: GPL-2.0-or-later
// RangeSet against a bit for every byte.
#include "core/extent/range_set.h"

#include <bitset>
#include <catch2/catch.hpp>
#include <random>

namespace butterfuse::range_set_test {

TEST_CASE("ranges merge, split and count like a set of bytes does") {
  constexpr uint64_t kSpan = 512, kUnit = 16;
  std::mt19937 random(1);
  RangeSet set(kUnit);
  std::bitset<kSpan> model;
  for (int step = 0; step < 3000; ++step) {
    const uint64_t start = random() % kSpan, end = start + random() % (kSpan - start + 1);
    const bool adding = random() % 2 != 0;
    uint64_t expected = 0;
    for (uint64_t i = start; i < end; ++i) {
      expected += model[i] != adding;
      model[i] = adding;
    }
    REQUIRE((adding ? set.add({start, end}) : set.remove({start, end})) == expected);
    REQUIRE(set.bytes() == model.count());
    uint64_t units = 0;
    for (uint64_t i = 0; i < kSpan; ++i) {
      const bool begins = model[i] && (i == 0 || !model[i - 1] || i % kUnit == 0);
      units += begins;
    }
    REQUIRE(set.units() == units);
    const uint64_t probe = random() % kSpan;
    REQUIRE(set.around(probe).empty() == !model[probe]);
    REQUIRE(set.overlaps({probe, probe + 1}) == model[probe]);
  }
}

TEST_CASE("the range around a byte reaches to both its ends") {
  RangeSet set(16);
  set.add({10, 20});
  set.add({20, 30});
  CHECK(set.around(25) == ByteRange{10, 30});
  CHECK(set.around(30).empty());
  CHECK(set.first() == 10);
  set.remove({10, 30});
  CHECK(set.first() == ~uint64_t{0});
}

}  // namespace butterfuse::range_set_test
