// SPDX-License-Identifier: GPL-2.0-or-later
// OrderedExtents: overlapping ones finish in the order they were made, and waiting means what it says.
#include "core/extent/ordered_extent.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/growth.h"

namespace butterfuse::ordered_extent_test {
namespace {
OrderedExtentRef make(OrderedExtents& all, uint64_t start, uint64_t end) {
  auto ordered = std::make_shared<OrderedExtent>(ByteRange{start, end});
  all.add(ordered);
  return ordered;
}
}  // namespace

TEST_CASE("an overlapping extent finishes after the older one, whichever was written first") {
  OrderedExtents all;
  const auto a = make(all, 0, 10), b = make(all, 5, 15), c = make(all, 20, 30);
  std::string order;
  all.finish_in_order({b}, [&] { order += "b", all.remove(b); });
  all.finish_in_order({c}, [&] { order += "c", all.remove(c); });
  CHECK(order == "c");
  all.finish_in_order({a}, [&] { order += "a", all.remove(a); });
  CHECK(order == "cab");
  CHECK(all.count() == 0);
}

TEST_CASE("three layers of one range finish one by one") {
  OrderedExtents all;
  const auto a = make(all, 0, 10), b = make(all, 0, 10), c = make(all, 0, 10);
  std::string order;
  all.finish_in_order({c}, [&] { order += "c", all.remove(c); });
  all.finish_in_order({b}, [&] { order += "b", all.remove(b); });
  all.finish_in_order({a}, [&] { order += "a", all.remove(a); });
  CHECK(order == "abc");
}

TEST_CASE("a group waits for what overlaps any of it, and not for itself") {
  OrderedExtents all;
  const auto old = make(all, 8, 9), a = make(all, 0, 5), b = make(all, 5, 10);
  bool finished = false;
  all.finish_in_order({a, b}, [&] { finished = true, all.remove(a), all.remove(b); });
  CHECK_FALSE(finished);
  all.finish_in_order({old}, [&] { all.remove(old); });
  CHECK(finished);
}

TEST_CASE("a group that loses what it waited for goes on waiting for what else is older") {
  OrderedExtents all;
  const auto a = make(all, 0, 10), b = make(all, 10, 20), c = make(all, 20, 30), over = make(all, 5, 25);
  bool finished = false;
  all.finish_in_order({over}, [&] { finished = true, all.remove(over); });
  for (const auto& older : {c, a}) {
    all.finish_in_order({older}, [&] { all.remove(older); });
    CHECK_FALSE(finished);
  }
  all.finish_in_order({b}, [&] { all.remove(b); });
  CHECK(finished);
}

TEST_CASE("waiting for a range does not wait for extents made later") {
  OrderedExtents* address = nullptr;
  OrderedExtentRef old, newer;
  OrderedExtents all([&] {
    newer = make(*address, 0, 10);
    address->remove(old);
  });
  address = &all;
  old = make(all, 5, 6);
  all.wait({6, 100});  // does not overlap: no wait
  CHECK(newer == nullptr);
  all.wait({0, 100});
  CHECK(all.count() == 1);
  all.remove(newer);
}

TEST_CASE("only extents that are wholly truncated are dead") {
  OrderedExtents all;
  const auto a = make(all, 0, 10), b = make(all, 10, 20);
  all.kill({5, ~uint64_t{0}});
  CHECK_FALSE(a->dead());
  CHECK(b->dead());
  all.remove(a), all.remove(b);
}

TEST_CASE("extents of a file that overlap none of one another cost the same, however many they are") {
  const auto finish_many = [](int count) {
    OrderedExtents all;
    std::vector<OrderedExtentRef> made;
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<uint64_t>(i) << 14;
      made.push_back(make(all, at, at + 4096));
    }
    // From both ends to the middle, as workers that overtake each other do.
    for (int i = 0; i < count; ++i) {
      const OrderedExtentRef& one = made[static_cast<size_t>(i % 2 == 0 ? i / 2 : count - 1 - i / 2)];
      REQUIRE(all.overlap(one->file()));
      all.finish_in_order({one}, [&] { all.remove(one); });
    }
    REQUIRE(all.count() == 0);
  };
  CHECK(growth(finish_many, 1'000, 32'000) < 8 * 32);
}

TEST_CASE("extents that wait for one old one cost the same, however many they are") {
  const auto finish_many = [](int count) {
    OrderedExtents all;
    const auto old = make(all, 0, uint64_t{1} << 27);
    int finished = 0;
    for (int i = 0; i < count; ++i) {
      const auto one = make(all, static_cast<uint64_t>(i) << 12, static_cast<uint64_t>(i + 1) << 12);
      all.finish_in_order({one}, [&, one] { all.remove(one), ++finished; });
      const auto apart = make(all, uint64_t{1} << 30, (uint64_t{1} << 30) + 4096);
      all.finish_in_order({apart}, [&] { all.remove(apart); });
    }
    REQUIRE(finished == 0);
    all.remove(old);
    REQUIRE(finished == count);
  };
  CHECK(growth(finish_many, 1'000, 32'000) < 8 * 32);
}

TEST_CASE("a wait looks at each extent once, also where newer ones take the place of those it waited for") {
  const auto wait_for_many = [](int count) {
    std::vector<OrderedExtentRef> old, newer;
    OrderedExtents* address = nullptr;
    OrderedExtents all([&] {
      address->remove(old.back());
      newer.push_back(make(*address, old.back()->file().start, old.back()->file().end));
      old.pop_back();
    });
    address = &all;
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<uint64_t>(i) << 14;
      old.push_back(make(all, at, at + 4096));
    }
    all.wait({0, ~uint64_t{0}});
    REQUIRE(old.empty());
    REQUIRE(all.count() == newer.size());
    for (const OrderedExtentRef& one : newer) all.remove(one);
  };
  CHECK(growth(wait_for_many, 1'000, 32'000) < 8 * 32);
}

}  // namespace butterfuse::ordered_extent_test
