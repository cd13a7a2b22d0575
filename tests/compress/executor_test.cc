// SPDX-License-Identifier: GPL-2.0-or-later
// Executors: every task runs exactly once, when and where was promised.
#include "compress/executor.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace butterfuse::executor_test {

TEST_CASE("a thread pool runs all submitted tasks before it is gone") {
  std::atomic<int> ran = 0;
  {
    auto pool = make_thread_pool(4, "test-pool");
    for (int i = 0; i < 1000; ++i)
      pool->submit([&] {
        if (ran.fetch_add(1) % 100 == 0) pool->submit([&] { ++ran; });
      });
  }
  CHECK(ran >= 1000);
}

TEST_CASE("a pool of no threads still has one") {
  std::atomic<bool> ran = false;
  make_thread_pool(0, "a-name-that-is-too-long-for-linux")->submit([&] { ran = true; });
  CHECK(ran);
}

TEST_CASE("a pool keeps fewer threads at work while no more are allowed, and does all tasks") {
  std::atomic<size_t> allowed = 1, working = 0, most = 0, ran = 0;
  const auto task = [&] {
    const size_t now = ++working;
    size_t before = most;
    while (before < now && !most.compare_exchange_weak(before, now)) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    --working;
    ++ran;
  };
  {
    auto pool = make_thread_pool(4, "test-pool", [&] { return allowed.load(); });
    for (int i = 0; i < 200; ++i) pool->submit(task);
    while (ran < 100) std::this_thread::yield();
    CHECK(most == 1);
    allowed = 4;
    for (int i = 0; i < 200; ++i) pool->submit(task);
    while (ran < 400) std::this_thread::yield();
    CHECK(most > 1);
    CHECK(most <= 4);
  }
  CHECK(ran == 400);
}

TEST_CASE("what is awaited overtakes what is not, which gets a turn behind four of it") {
  std::string order;
  std::atomic<bool> begins{false}, ends{false};
  std::atomic<int> held{0};
  const auto hold_until = [&](const std::atomic<bool>& released) {
    ++held;
    while (!released) std::this_thread::yield();
  };
  {
    auto pool = make_thread_pool(1, "test-pool");
    pool->submit([&] { hold_until(begins); });
    while (held < 1) std::this_thread::yield();
    pool->submit([&] { hold_until(ends); }, Lane::awaited);  // on the thread that is for such only
    while (held < 2) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) pool->submit([&] { order += 'b'; });
    for (int i = 0; i < 10; ++i) pool->submit([&] { order += 'A'; }, Lane::awaited);
    CHECK(pool->queue_depth() == 13);
    begins = true;
    while (pool->queue_depth() > 0) std::this_thread::yield();
    ends = true;
  }
  CHECK(order == "AAAAbAAAAbAAb");
}

TEST_CASE("what is awaited does not wait for a pool that is at work, nor for a limit") {
  std::atomic<bool> ends{false};
  std::atomic<int> ran{0}, at_work{0};
  {
    auto pool = make_thread_pool(2, "test-pool", [] { return size_t{2}; });
    for (int i = 0; i < 4; ++i)
      pool->submit([&] {
        ++at_work;
        while (!ends) std::this_thread::yield();
      });
    while (at_work < 2) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) {
      pool->submit([&] { ++ran; }, Lane::awaited);
      while (ran <= i) std::this_thread::yield();
    }
    CHECK(at_work == 2);
    ends = true;
  }
  CHECK(at_work == 4);
}

TEST_CASE("what awaited tasks submit runs before the pool is gone") {
  std::atomic<int> ran{0};
  for (int round = 0; round < 50; ++round) {
    auto pool = make_thread_pool(1, "test-pool");
    pool->submit([] { std::this_thread::sleep_for(std::chrono::microseconds(100)); });
    for (int i = 0; i < 4; ++i)
      pool->submit([&, pool = pool.get()] { pool->submit([&] { ++ran; }); }, Lane::awaited);
  }
  CHECK(ran == 200);
}

TEST_CASE("a manual executor has what is awaited in front") {
  ManualExecutor executor;
  std::string order;
  for (const char* name : {"a", "b"}) executor.submit([&order, name] { order += name; });
  for (const char* name : {"X", "Y", "Z"}) executor.submit([&order, name] { order += name; }, Lane::awaited);
  CHECK(executor.run_one(1));
  executor.submit([&order] { order += "W"; }, Lane::awaited);
  CHECK(executor.run_one(4));
  CHECK(executor.run_all() == 4);
  CHECK(order == "YbXZWa");
}

TEST_CASE("a manual executor runs the task the test names") {
  ManualExecutor executor;
  std::vector<int> order;
  for (int i = 0; i < 4; ++i) executor.submit([&order, i] { order.push_back(i); });
  CHECK(executor.queue_depth() == 4);
  CHECK(executor.run_one(2));
  CHECK(executor.run_one(0));
  CHECK_FALSE(executor.run_one(2));
  CHECK(executor.run_all() == 2);
  CHECK(order == std::vector<int>{2, 0, 1, 3});
}

TEST_CASE("a manual executor also runs what tasks submit") {
  ManualExecutor executor;
  int ran = 0;
  executor.submit([&] { executor.submit([&] { ++ran; }); });
  CHECK(executor.run_random(7) == 2);
  CHECK(ran == 1);
  CHECK(executor.queue_depth() == 0);
}

}  // namespace butterfuse::executor_test
