// SPDX-License-Identifier: GPL-2.0-or-later
// Deletions: each inode once, none before its time is over or somebody waits, and none left at the end.
#include "fs/inode/deletions.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "core/base/mutex.h"

namespace butterfuse::deletions_test {
namespace {

using namespace std::chrono_literals;

// An inode without a file system: only its address is looked at.
std::shared_ptr<Inode> some_inode(uintptr_t number) {
  return {std::shared_ptr<int>(std::make_shared<int>(0)), reinterpret_cast<Inode*>(number << 4)};
}

struct Deleted {
  Mutex mutex;
  std::multiset<Inode*> inodes BF_GUARDED_BY(mutex);
  std::set<std::thread::id> threads BF_GUARDED_BY(mutex);
  std::chrono::microseconds each{0};
  void note(const std::shared_ptr<Inode>& inode) {
    std::this_thread::sleep_for(each);
    MutexLock lock(mutex);
    inodes.insert(inode.get());
    threads.insert(std::this_thread::get_id());
  }
  size_t count() {
    MutexLock lock(mutex);
    return inodes.size();
  }
  bool each_once() {
    MutexLock lock(mutex);
    return std::set<Inode*>(inodes.begin(), inodes.end()).size() == inodes.size();
  }
};

bool within(std::chrono::milliseconds limit, const std::function<bool()>& holds) {
  for (auto waited = 0ms; waited < limit; waited += 1ms) {
    if (holds()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return holds();
}

}  // namespace

TEST_CASE("without a thread who lets go deletes, before add returns") {
  Deleted deleted;
  Deletions deletions([&](const auto& inode) { deleted.note(inode); });
  for (uintptr_t number = 1; number <= 3; ++number) {
    deletions.add(some_inode(number));
    CHECK(deleted.count() == number);
  }
  CHECK(deletions.finish());
  CHECK(deleted.threads == std::set{std::this_thread::get_id()});
}

TEST_CASE("the thread deletes what nobody waits for once nothing more comes") {
  Deleted deleted;
  Deletions deletions([&](const auto& inode) { deleted.note(inode); });
  deletions.start();
  for (int round = 1; round <= 3; ++round) {
    deletions.add(some_inode(static_cast<uintptr_t>(round)));
    CHECK(within(10s, [&] { return deleted.count() == static_cast<size_t>(round); }));
    std::this_thread::sleep_for(60ms);  // it sleeps for good, and is woken by the next one
  }
  CHECK(deleted.threads.count(std::this_thread::get_id()) == 0);
}

TEST_CASE("what was added before is deleted when finish returns") {
  Deleted deleted;
  deleted.each = 200us;
  Deletions deletions([&](const auto& inode) { deleted.note(inode); });
  deletions.start();
  uintptr_t added = 0;
  for (const int more : {1, 10, 300}) {
    for (int i = 0; i < more; ++i) deletions.add(some_inode(++added));
    CHECK(deletions.finish());
    CHECK(deleted.count() == added);
  }
  CHECK(deleted.each_once());
}

TEST_CASE("finish gives up after its time, and the thread goes on") {
  Deleted deleted;
  deleted.each = 300ms;
  Deletions deletions([&](const auto& inode) { deleted.note(inode); });
  deletions.start();
  for (uintptr_t number = 1; number <= 3; ++number) deletions.add(some_inode(number));
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(deletions.finish(50ms));
  CHECK(std::chrono::steady_clock::now() - begin < 250ms);
  CHECK(deletions.finish());
  CHECK(deleted.count() == 3);
}

TEST_CASE("who needs the space goes on when a deletion waits for him, and else sees all of it come") {
  Deleted deleted;
  std::atomic<bool> goes_on{false};
  Deletions deletions([&](const auto& inode) {
    while (inode.get() == some_inode(3).get() && !goes_on) std::this_thread::sleep_for(1ms);
    deleted.note(inode);
  });
  deletions.start();
  for (uintptr_t number = 1; number <= 5; ++number) deletions.add(some_inode(number));
  deletions.finish_while_it_moves();
  CHECK(deleted.count() == 2);
  goes_on = true;
  deletions.finish_while_it_moves();
  CHECK(deleted.count() == 5);
}

TEST_CASE("who needs the space waits a second for what was unlinked, and not for what was brought") {
  Deleted deleted;
  Deletions deletions([&](const auto& inode) { deleted.note(inode); });
  deletions.start();
  for (uintptr_t number = 1; number <= 3; ++number) deletions.expect(*some_inode(number));
  std::thread holder([&] {
    std::this_thread::sleep_for(200ms);
    for (uintptr_t number = 1; number <= 3; ++number) deletions.add(some_inode(number));
  });
  deletions.finish_while_it_moves();
  CHECK(deleted.count() == 3);
  holder.join();
  deletions.expect(*some_inode(4));
  const auto begin = std::chrono::steady_clock::now();
  deletions.finish_while_it_moves();
  CHECK(std::chrono::steady_clock::now() - begin >= 950ms);  // nobody brings it
  const auto again = std::chrono::steady_clock::now();
  deletions.await_holders(1000ms, 0ms);
  CHECK(std::chrono::steady_clock::now() - again < 500ms);
}

TEST_CASE("what may be open for good is waited for shortly, and seldom when that is in vain") {
  Deleted deleted;
  Deletions deletions([&](const auto& inode) { deleted.note(inode); });
  deletions.start();
  deletions.expect(*some_inode(1), Deletions::kNeverNamed);
  deletions.expect(*some_inode(2), Deletions::kNeverNamed);
  std::thread holder([&] {
    std::this_thread::sleep_for(10ms);
    deletions.add(some_inode(1));
    deletions.expect_no_more(*some_inode(2));
  });
  deletions.await_holders(0ms, 10s);
  holder.join();
  CHECK(within(10s, [&] { return deleted.count() == 1; }));
  deletions.expect(*some_inode(3), Deletions::kNeverNamed);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) deletions.await_holders(1000ms, 50ms);
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took >= 150ms);
  CHECK(took < 20s);  // a thousand times 50 ms
}

TEST_CASE("the thread that deletes does not wait for itself") {
  Deletions* self = nullptr;
  std::atomic<int> finished{0};
  Deletions deletions([&](const auto&) { finished += self->finish() ? 1 : 0; });
  self = &deletions;
  deletions.start();
  for (uintptr_t number = 1; number <= 4; ++number) deletions.add(some_inode(number));
  CHECK(deletions.finish());
  CHECK(finished == 4);
}

TEST_CASE("a crowd is deleted by those who bring it as well, each inode once, and none is left at the end") {
  constexpr uintptr_t kThreads = 4, kOfEach = 2000;
  Deleted deleted;
  deleted.each = 20us;
  {
    Deletions deletions([&](const auto& inode) { deleted.note(inode); });
    deletions.start();
    std::vector<std::thread> threads;
    for (uintptr_t thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([&, thread] {
        for (uintptr_t i = 1; i <= kOfEach; ++i) deletions.add(some_inode(thread * kOfEach + i));
        if (thread == 0) CHECK(deletions.finish());
      });
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(deleted.count() == kThreads * kOfEach);
  CHECK(deleted.each_once());
  CHECK(deleted.threads.size() > 1);
}

}  // namespace butterfuse::deletions_test
