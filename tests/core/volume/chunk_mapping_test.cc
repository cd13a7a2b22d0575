// SPDX-License-Identifier: GPL-2.0-or-later
// Where the bytes of a chunk lie, against tables made by hand.
#include "core/volume/chunk_mapping.h"

#include <catch2/catch.hpp>

namespace butterfuse::chunk_mapping_test {
namespace {

constexpr uint64_t kCell = 65536;

ChunkMapping chunk_of(uint64_t profile, size_t stripes, uint64_t rows) {
  ChunkMapping chunk;
  chunk.start = 1 << 20;
  chunk.type = bg::kData | profile;
  for (size_t i = 0; i < stripes; ++i) chunk.stripes.push_back({i + 1, (i + 1) << 24, {}});
  chunk.length = rows * kCell * chunk.data_stripes();
  return chunk;
}

struct Place {
  uint64_t offset;         // in the chunk
  size_t first_copy;       // wanted
  uint64_t stripe_offset;  // wanted
  uint64_t length;         // wanted, when 1 MiB is asked for
};

void check(const ChunkMapping& chunk, size_t copies, const std::vector<Place>& places) {
  REQUIRE(chunk_flaw(chunk) == nullptr);
  for (const Place& place : places) {
    INFO(chunk.profile().name << " of " << chunk.stripes.size() << " at " << place.offset);
    const StripePiece piece = stripe_piece(chunk, place.offset, 1 << 20);
    CHECK(piece.offset == place.offset);
    CHECK(piece.first_copy == place.first_copy);
    CHECK(piece.stripe_offset == place.stripe_offset);
    CHECK(piece.length == place.length);
    CHECK(piece.copies == copies);
  }
}

}  // namespace

TEST_CASE("copies have the same offsets as the chunk, and one piece") {
  constexpr uint64_t kAll = 1 << 20;
  check(chunk_of(0, 1, 64), 1, {{0, 0, 0, kAll}, {100, 0, 100, kAll}});
  check(chunk_of(bg::kDup, 2, 64), 2, {{70000, 0, 70000, kAll}});
  check(chunk_of(bg::kRaid1, 2, 64), 2, {{70000, 0, 70000, kAll}});
  check(chunk_of(bg::kRaid1c3, 3, 64), 3, {{70000, 0, 70000, kAll}});
  check(chunk_of(bg::kRaid1c4, 4, 64), 4, {{70000, 0, 70000, kAll}});
}

TEST_CASE("RAID0 deals out cells of 64 KiB, RAID10 to pairs") {
  check(chunk_of(bg::kRaid0, 3, 64), 1,
        {{0, 0, 0, kCell},
         {kCell - 4096, 0, kCell - 4096, 4096},
         {kCell, 1, 0, kCell},
         {2 * kCell + 5, 2, 5, kCell - 5},
         {3 * kCell, 0, kCell, kCell},
         {7 * kCell, 1, 2 * kCell, kCell}});
  check(chunk_of(bg::kRaid10, 4, 64), 2,
        {{0, 0, 0, kCell}, {kCell, 2, 0, kCell}, {2 * kCell, 0, kCell, kCell}, {3 * kCell, 2, kCell, kCell}});
  check(chunk_of(bg::kRaid10, 6, 64), 2, {{5 * kCell, 4, kCell, kCell}});
  check(chunk_of(bg::kRaid10, 2, 64), 2, {{5 * kCell, 0, 5 * kCell, kCell}});
}

TEST_CASE("RAID5 and RAID6 turn by one device with each row") {
  // 3 devices: row 0 is D0 D1 P, row 1 P D0 D1, row 2 D1 P D0.
  const ChunkMapping raid5 = chunk_of(bg::kRaid5, 3, 64);
  check(raid5, 1,
        {{0, 0, 0, kCell},
         {kCell, 1, 0, kCell},
         {2 * kCell, 1, kCell, kCell},
         {3 * kCell, 2, kCell, kCell},
         {4 * kCell, 2, 2 * kCell, kCell},
         {5 * kCell, 0, 2 * kCell, kCell}});
  CHECK(parity_stripe(raid5, 0, 2) == 2);
  CHECK(parity_stripe(raid5, 1, 2) == 0);
  CHECK(parity_stripe(raid5, 2, 2) == 1);
  // 4 devices: row 0 is D0 D1 P Q, row 1 Q D0 D1 P.
  const ChunkMapping raid6 = chunk_of(bg::kRaid6, 4, 64);
  check(raid6, 1, {{kCell, 1, 0, kCell}, {2 * kCell, 1, kCell, kCell}, {7 * kCell, 0, 3 * kCell, kCell}});
  CHECK(parity_stripe(raid6, 0, 3) == 3);
  CHECK(parity_stripe(raid6, 1, 3) == 0);
}

TEST_CASE("sizes follow from the profile") {
  CHECK(chunk_of(bg::kRaid10, 4, 10).stripe_bytes() == 10 * kCell);
  CHECK(chunk_of(bg::kRaid10, 4, 10).length == 20 * kCell);
  CHECK(chunk_of(bg::kRaid6, 5, 10).length == 30 * kCell);
  CHECK(chunk_of(bg::kRaid6, 5, 10).device_bytes() == 50 * kCell);
  CHECK(chunk_of(bg::kRaid6, 5, 10).copies() == 5);
  CHECK(chunk_of(bg::kRaid5, 5, 10).copies() == 2);
  CHECK(chunk_of(bg::kDup, 2, 10).device_bytes() == 20 * kCell);
}

TEST_CASE("chunks whose numbers do not go together are told") {
  ChunkMapping chunk = chunk_of(bg::kRaid10, 4, 10);
  chunk.length -= 4096;
  CHECK(chunk_flaw(chunk) != nullptr);
  chunk = chunk_of(bg::kRaid1, 2, 10);
  chunk.stripes.pop_back();
  CHECK(chunk_flaw(chunk) != nullptr);
  chunk = chunk_of(bg::kRaid10, 4, 10);
  chunk.stripes.pop_back();
  CHECK(chunk_flaw(chunk) != nullptr);
  chunk = chunk_of(bg::kRaid0, 2, 10);
  chunk.stripes[1].physical = ~uint64_t{0} - 4096;
  CHECK(chunk_flaw(chunk) != nullptr);
  CHECK(chunk_flaw(chunk_of(bg::kRaid6, 258, 10)) != nullptr);
}

}  // namespace butterfuse::chunk_mapping_test
