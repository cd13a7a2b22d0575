// SPDX-License-Identifier: GPL-2.0-or-later
// AwakeProcessors: threads that run when they are wanted, and only then, in nobody's way.
#include "fs/session/awake_processors.h"

#include <sys/resource.h>
#include <time.h>

#include <catch2/catch.hpp>
#include <chrono>

namespace butterfuse::awake_processors_test {
namespace {

using namespace std::chrono_literals;

double processor_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

double seconds_used_within(std::chrono::milliseconds time) {
  const double before = processor_seconds();
  std::this_thread::sleep_for(time);
  return processor_seconds() - before;
}

}  // namespace

TEST_CASE("threads keep processors awake while it is wanted, and cost nothing behind that") {
  AwakeProcessors processors;
  CHECK(seconds_used_within(20ms) < 0.005);
  for (int round = 0; round < 3; ++round) {
    processors.keep(true);
    // On a machine that is busy they get little: as soon as they got anything, it is seen that they run.
    double used = 0;
    for (int tries = 0; used < 0.005 && tries < 1000; ++tries) used += seconds_used_within(10ms);
    CHECK(used >= 0.005);
    processors.keep(false);
    std::this_thread::sleep_for(50ms);  // for those that had to wait for a processor
    CHECK(seconds_used_within(200ms) < 0.02);
  }
}

TEST_CASE("processors end while they are kept awake") {
  for (int round = 0; round < 20; ++round) {
    AwakeProcessors processors;
    processors.keep(true);
    if (round % 2) std::this_thread::sleep_for(1ms);
  }
  SUCCEED();
}

TEST_CASE("the thread that asks keeps its own priority") {
  const int before = getpriority(PRIO_PROCESS, 0);
  {
    AwakeProcessors processors;
    processors.keep(true);
    std::this_thread::sleep_for(5ms);
    CHECK(getpriority(PRIO_PROCESS, 0) == before);
  }
  CHECK(getpriority(PRIO_PROCESS, 0) == before);
}

}  // namespace butterfuse::awake_processors_test
