// SPDX-License-Identifier: GPL-2.0-or-later
// SharedMutex: who goes first.
#include "core/base/mutex.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

namespace butterfuse::mutex_test {
using namespace std::chrono_literals;

// Readers that follow each other without a gap: where they go first the writer waits for their end.
TEST_CASE("a writer that goes first waits only for those who read already") {
  SharedMutex mutex(Precedence::writers);
  std::atomic<bool> done{false};
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 8; ++reader) {
    readers.emplace_back([&] {
      for (const auto end = std::chrono::steady_clock::now() + 5s;
           !done && std::chrono::steady_clock::now() < end;) {
        ReaderLock lock(mutex);
        std::this_thread::sleep_for(2ms);
      }
    });
  }
  std::this_thread::sleep_for(50ms);
  const auto begin = std::chrono::steady_clock::now();
  for (int turn = 0; turn < 10; ++turn) WriterLock lock(mutex);
  done = true;
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

}  // namespace butterfuse::mutex_test
