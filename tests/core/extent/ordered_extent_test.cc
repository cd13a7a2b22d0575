// OrderedExtents: overlapping ones finish in the order they were made, and waiting means what it says.
#include "core/extent/ordered_extent.h"

#include <catch2/catch.hpp>
#include <string>

using namespace butterfuse;

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
