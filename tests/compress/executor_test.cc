// Executors: every task runs exactly once, when and where was promised.
#include "compress/executor.h"

#include <atomic>
#include <chrono>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace butterfuse;

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
