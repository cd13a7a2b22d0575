// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of packed items share: an item cut at every length, and bytes of any kind.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <vector>

#include "core/ondisk/packed_walk.h"

namespace butterfuse {

using Bytes = std::vector<std::byte>;

template <class T>
Bytes packed(const T& head, std::string_view behind = {}) {
  Bytes bytes(sizeof head + behind.size());
  store(MutableByteSpan(bytes), head);
  std::ranges::copy(as_bytes(behind), bytes.begin() + sizeof head);
  return bytes;
}
inline Bytes operator+(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// What is walked lies at the end of its memory: a read behind it is an error that the sanitizers see.
struct Exact {
  explicit Exact(ByteSpan bytes) : memory(new std::byte[bytes.size()]), size(bytes.size()) {
    std::ranges::copy(bytes, memory.get());
  }
  operator ByteSpan() const { return {memory.get(), size}; }  // NOLINT
  std::unique_ptr<std::byte[]> memory;
  size_t size;
};

// Walks `whole`, of entries of the given sizes, cut at every length, and with bytes more behind it.
template <class Walk>
void check_cuts(const Bytes& whole, const std::vector<size_t>& sizes, Walk&& walk_of) {
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    INFO("cut at " << cut << " of " << whole.size());
    const Exact bytes(ByteSpan(whole).first(cut));
    auto walk = walk_of(ByteSpan(bytes));
    size_t end = 0, count = 0;
    while (walk.next()) {
      REQUIRE(count < sizes.size());
      REQUIRE(walk.entry().offset == end);
      REQUIRE(walk.entry().size == sizes[count]);
      end += sizes[count++];
    }
    REQUIRE(end <= cut);
    REQUIRE((count == sizes.size() || end + sizes[count] > cut));
    REQUIRE(walk.stuck() == (end < cut));
    REQUIRE(walk.left_bytes() == cut - end);
    REQUIRE_FALSE(walk.next());
    const Status finished = walk.finish("entry");
    REQUIRE(finished.has_value() == (end == cut));
    if (finished) continue;
    REQUIRE(finished.error().code == EUCLEAN);
    REQUIRE_FALSE(walk.unknown_kind());
    REQUIRE(walk.wanted_bytes() > walk.left_bytes());
    REQUIRE(walk.wanted_bytes() <= sizes[count]);
  }
  auto walk = walk_of(ByteSpan(whole));
  while (walk.next()) continue;
  REQUIRE_FALSE(walk.stuck());
}

// Bytes of any kind: the walk ends, and all that it gives lies inside.
template <class Walk, class Look>
void check_any_bytes(Walk&& walk_of, Look&& look) {
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    Bytes bytes(random() % 300);
    const bool mostly_zero = random() % 2 == 0;  // so that lengths are short enough to fit
    for (std::byte& one : bytes)
      one = mostly_zero && random() % 8 != 0 ? std::byte{0} : static_cast<std::byte>(random());
    const Exact exact(bytes);
    const ByteSpan span = exact;
    auto walk = walk_of(span);
    size_t end = 0;
    while (walk.next()) {
      REQUIRE(walk.entry().offset == end);
      REQUIRE(walk.entry().size > 0);
      end += walk.entry().size;
      REQUIRE(end <= span.size());
      for (const ByteSpan view : look(walk.entry())) {
        if (view.empty()) continue;
        REQUIRE(view.data() >= span.data());
        REQUIRE(view.data() + view.size() <= span.data() + end);
      }
    }
    REQUIRE(walk.stuck() == (end < span.size()));
  }
}

}  // namespace butterfuse
