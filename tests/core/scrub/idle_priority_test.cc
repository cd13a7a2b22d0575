// SPDX-License-Identifier: GPL-2.0-or-later
// IdlePriority: the thread's I/O priority, while it lives and behind it.
#include "core/scrub/idle_priority.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

namespace butterfuse::idle_priority_test {
namespace {

constexpr int kIdleClass = 3, kBestEffort = 2;  // ioprio_set(2)
constexpr int kClassShift = 13;

int own_priority() { return static_cast<int>(::syscall(SYS_ioprio_get, 1, 0)); }

}  // namespace

TEST_CASE("a thread's I/O is idle while it says so, then as before; other threads' is not") {
  const int before = own_priority();
  REQUIRE(before >= 0);
  REQUIRE(before >> kClassShift != kIdleClass);
  {
    const IdlePriority idle;
    CHECK(own_priority() >> kClassShift == kIdleClass);
    int after = -1;
    std::thread([&] {
      REQUIRE(::syscall(SYS_ioprio_set, 1, 0, kBestEffort << kClassShift | 6) == 0);
      { const IdlePriority other; }
      after = own_priority();
    }).join();
    CHECK(after == (kBestEffort << kClassShift | 6));
    CHECK(own_priority() >> kClassShift == kIdleClass);
  }
  CHECK(own_priority() == before);
}

}  // namespace butterfuse::idle_priority_test
