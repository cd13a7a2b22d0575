// SPDX-License-Identifier: GPL-2.0-or-later
// OverlapIndex: what overlaps is found, each once, whatever the lengths and the layers.
#include "core/extent/overlap_index.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

namespace butterfuse::overlap_index_test {
namespace {

using Index = OverlapIndex<uint64_t>;

std::vector<uint64_t> overlaps(const Index& index, ByteRange range) {
  std::vector<uint64_t> ids;
  const Index::Entry* at = index.overlap_before(Index::kBehindAll, range);
  for (; at != nullptr; at = index.overlap_before(at->key, range)) ids.push_back(at->value);
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Of any length up to 2^15, short ones as often as long ones.
ByteRange some_range(std::mt19937& random) {
  const uint64_t longest = uint64_t{1} << random() % 16;
  return ByteRange::at(random() % 40'000, 1 + random() % longest);
}

}  // namespace

TEST_CASE("an index of overlaps finds what a look at each range finds") {
  std::mt19937 random(1);
  Index index;
  std::vector<std::pair<ByteRange, uint64_t>> model;
  for (uint64_t id = 1; id <= 3000; ++id) {
    const ByteRange range = some_range(random);
    index.add(range, id, id);
    model.emplace_back(range, id);
    if (random() % 3 != 0) {
      const size_t gone = random() % model.size();
      REQUIRE(index.remove(model[gone].first, model[gone].second));
      REQUIRE_FALSE(index.remove(model[gone].first, model[gone].second));
      model.erase(model.begin() + static_cast<ptrdiff_t>(gone));
    }
    const ByteRange asked = some_range(random);
    std::vector<uint64_t> expected;
    for (const auto& [one, its_id] : model)
      if (one.overlaps(asked)) expected.push_back(its_id);
    REQUIRE(overlaps(index, asked) == expected);
    REQUIRE(index.size() == model.size());
  }
}

TEST_CASE("ranges that only touch do not overlap, at either end of all that can be addressed") {
  Index index;
  const uint64_t half = uint64_t{1} << 63;
  index.add({0, half}, 1, 1);
  index.add({half, ~uint64_t{0}}, 2, 2);
  index.add({half - 1, half}, 3, 3);
  CHECK(overlaps(index, {0, half - 1}) == std::vector<uint64_t>{1});
  CHECK(overlaps(index, {half - 1, half}) == std::vector<uint64_t>{1, 3});
  CHECK(overlaps(index, {half, half + 1}) == std::vector<uint64_t>{2});
  CHECK(overlaps(index, {0, ~uint64_t{0}}) == std::vector<uint64_t>{1, 2, 3});
}

TEST_CASE("what is added or removed between two steps backwards does no harm") {
  Index index;
  for (uint64_t at = 0; at < 10; ++at) index.add({at * 10, at * 10 + 5}, at, at);
  const ByteRange all{0, 100};
  const Index::Key seventh = Index::key_of({70, 75}, 7);
  REQUIRE(index.overlap_before(seventh, all)->value == 6);
  CHECK(index.remove({70, 75}, 7));
  CHECK(index.remove({60, 65}, 6));
  index.add({72, 77}, 77, 77);
  CHECK(index.overlap_before(seventh, all)->value == 5);
}

}  // namespace butterfuse::overlap_index_test
