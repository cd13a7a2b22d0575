// SPDX-License-Identifier: GPL-2.0-or-later
// OrderedQueue: parallel work, results in the order of add().
#include "compress/ordered_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <numeric>
#include <thread>
#include <vector>

namespace butterfuse::ordered_queue_test {
namespace {

std::vector<int> counted(int count) {
  std::vector<int> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

TEST_CASE("ordered parts run in the order of add whatever order the work runs in") {
  for (unsigned seed = 0; seed < 500; ++seed) {
    ManualExecutor executor;
    OrderedQueue queue(executor);
    std::vector<int> order, worked;
    for (int i = 0; i < 20; ++i)
      queue.add([&worked, i] { worked.push_back(i); }, [&order, i] { order.push_back(i); });
    CHECK(order.empty());
    CHECK(queue.depth() == 20);
    executor.run_random(seed);
    CHECK(queue.depth() == 0);
    CHECK(order == counted(20));
    CHECK(worked.size() == 20);
  }
}

TEST_CASE("an ordered part waits for the work of all before it") {
  ManualExecutor executor;
  OrderedQueue queue(executor);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) queue.add([] {}, [&order, i] { order.push_back(i); });
  executor.run_one(2);
  executor.run_one(1);
  CHECK(order.empty());
  executor.run_one(0);
  CHECK(order == counted(3));
}

TEST_CASE("an ordered part may add more") {
  ManualExecutor executor;
  OrderedQueue queue(executor);
  std::vector<int> order;
  queue.add([] {},
            [&] {
              order.push_back(0);
              queue.add([] {}, [&] { order.push_back(1); });
            });
  executor.run_all();
  CHECK(order == counted(2));
}

TEST_CASE("threads keep the order, one ordered part at a time, and free captures before depth falls") {
  auto pool = make_thread_pool(4, "ordered");
  for (int round = 0; round < 20; ++round) {
    std::vector<int> order;  // only ordered parts touch it: a data race here is a broken promise
    auto token = std::make_shared<int>(0);
    OrderedQueue queue(*pool);
    for (int i = 0; i < 300; ++i)
      queue.add(
          [i] {
            if (i % 7 == 0) std::this_thread::yield();
          },
          [&order, token, i] { order.push_back(i); });
    while (queue.depth() != 0) std::this_thread::yield();
    CHECK(order == counted(300));
    CHECK(token.use_count() == 1);
  }
}

}  // namespace butterfuse::ordered_queue_test
