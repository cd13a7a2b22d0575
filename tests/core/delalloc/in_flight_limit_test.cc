// SPDX-License-Identifier: GPL-2.0-or-later
// InFlightLimit: so many at a time, a quarter more for what is awaited, and who waits is woken.
#include "core/delalloc/in_flight_limit.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>
#include <vector>

namespace butterfuse::in_flight_limit_test {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kSlots = 8;

std::vector<InFlightLimit::Slot> take(InFlightLimit& limit, uint64_t count, Lane lane) {
  std::vector<InFlightLimit::Slot> slots;
  for (uint64_t i = 0; i < count; ++i) slots.push_back(limit.acquire(lane));
  return slots;
}

}  // namespace

TEST_CASE("what is awaited has a quarter more, and then the next slot that comes free") {
  InFlightLimit limit(kSlots, {});
  auto stream = take(limit, kSlots, Lane::background);
  auto awaited = take(limit, kSlots / 4, Lane::awaited);
  CHECK(limit.taken() == kSlots + kSlots / 4);
  std::atomic<int> got{0};
  std::thread waits([&] {
    const auto slot = limit.acquire(Lane::awaited);
    ++got;
  });
  std::this_thread::sleep_for(20ms);
  CHECK(got == 0);
  stream.pop_back();
  waits.join();
  CHECK(got == 1);
}

TEST_CASE("a stream that found all slots taken goes on once a quarter is free") {
  InFlightLimit limit(kSlots, {});
  auto stream = take(limit, kSlots, Lane::background);
  std::atomic<int> got{0};
  std::thread waits([&] {
    const auto slot = limit.acquire();
    ++got;
  });
  std::this_thread::sleep_for(20ms);
  stream.resize(kSlots - 1);
  std::this_thread::sleep_for(20ms);
  CHECK(got == 0);
  stream.resize(kSlots - kSlots / 4 - 1);
  waits.join();
  CHECK(got == 1);
}

}  // namespace butterfuse::in_flight_limit_test
