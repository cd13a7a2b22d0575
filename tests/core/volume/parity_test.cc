// SPDX-License-Identifier: GPL-2.0-or-later
// Lost columns of RAID5 and RAID6 rows, rebuilt from what is left.
#include "core/volume/parity.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <random>
#include <set>

namespace butterfuse::parity_test {
namespace {

// A row of random bytes with its parity; some columns fail when they are read.
struct Row {
  ParityRow shape;
  std::vector<std::vector<std::byte>> columns;
  std::set<uint64_t> failing;

  Row(uint64_t data, uint64_t parity, unsigned seed) : shape{data, parity} {
    std::mt19937 random(seed);
    columns.assign(data + parity, std::vector<std::byte>(512));
    for (uint64_t i = 0; i < data; ++i)
      for (std::byte& byte : columns[i]) byte = std::byte(random());
    std::vector<ByteSpan> spans(columns.begin(), columns.begin() + static_cast<ptrdiff_t>(data));
    compute_parity(spans, columns[data],
                   parity == 2 ? MutableByteSpan(columns[data + 1]) : MutableByteSpan());
  }

  Status rebuild(uint64_t want, std::vector<uint64_t> lost, std::vector<std::byte>& into) {
    into.assign(512, std::byte{0xee});
    const auto read = [&](uint64_t column, MutableByteSpan bytes) -> Status {
      CHECK(column != want);
      if (failing.contains(column)) return make_error(EIO, "no");
      std::ranges::copy(columns[column], bytes.begin());
      return {};
    };
    return rebuild_column(shape, want, std::move(lost), read, into);
  }
};

}  // namespace

TEST_CASE("RAID5 gives back any one column, and no two") {
  for (uint64_t data : {1, 2, 3, 7}) {
    Row row(data, 1, 11);
    std::vector<std::byte> got;
    for (uint64_t want = 0; want < data; ++want) {
      REQUIRE(row.rebuild(want, {want}, got));
      CHECK(got == row.columns[want]);
      CHECK(row.rebuild(want, {data}, got).error().code == EIO);
    }
  }
}

TEST_CASE("RAID6 gives back any two columns, told beforehand or found while reading, and no three") {
  for (uint64_t data : {1, 2, 3, 6, 30}) {
    Row row(data, 2, 12);
    std::vector<std::byte> got;
    for (uint64_t want = 0; want < data; ++want)
      for (uint64_t other = 0; other < data + 2; ++other) {
        INFO(data << " columns, wanted " << want << " without " << other);
        if (other == want) continue;
        REQUIRE(row.rebuild(want, {other}, got));
        CHECK(got == row.columns[want]);
        row.failing = {other};
        REQUIRE(row.rebuild(want, {}, got));
        CHECK(got == row.columns[want]);
        row.failing = {other, (other + 1) % (data + 2)};
        if (!row.failing.contains(want)) CHECK(row.rebuild(want, {}, got).error().code == EIO);
        row.failing.clear();
      }
  }
}

TEST_CASE("P and Q of a known row are those of the kernel") {
  // Q = d0 + 2 d1 + 4 d2 in GF(2^8) over 0x11d.
  const std::vector<std::byte> d0{std::byte{0x01}}, d1{std::byte{0x80}}, d2{std::byte{0xff}};
  std::vector<std::byte> p(1), q(1);
  compute_parity({d0, d1, d2}, p, q);
  CHECK(p[0] == std::byte{0x01 ^ 0x80 ^ 0xff});
  CHECK(q[0] == std::byte{0x01 ^ 0x1d ^ 0xdb});  // 2 * 0x80 = 0x1d; 4 * 0xff = 0xdb
}

}  // namespace butterfuse::parity_test
