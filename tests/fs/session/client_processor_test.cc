// SPDX-License-Identifier: GPL-2.0-or-later
// ClientProcessor: what /proc says, and that the thread goes there.
#include "fs/session/client_processor.h"

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "core/base/processes.h"

namespace butterfuse::client_processor_test {
namespace {

void pin_to(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
}

std::string stat_text(const std::string& name, int processor) {
  std::string text = "12 (" + name + ") S";
  for (int field = 4; field < 39; ++field) text += " " + std::to_string(field + 100);
  return text + " " + std::to_string(processor) + " 0 0\n";
}

}  // namespace

TEST_CASE("the processor is the 39th field, whatever the name has in it") {
  const auto processor_in = [](const std::string& text) { return number_in_stat(text, 39); };
  CHECK(processor_in(stat_text("tar", 3)) == 3);
  CHECK(processor_in(stat_text("a) S 1 2 (b", 17)) == 17);
  CHECK(processor_in(stat_text("", 0)) == 0);
  CHECK_FALSE(processor_in(""));
  CHECK_FALSE(processor_in("12 tar S 1 2 3"));
  CHECK_FALSE(processor_in("12 (tar) S 1 2 3"));
}

TEST_CASE("who follows a client is soon on its processor, and stays free to go elsewhere") {
  if (std::thread::hardware_concurrency() < 2) {
    WARN("SKIP: one processor only");
    return;
  }
  for (const int processor : {0, 1}) {
    std::atomic<pid_t> client{0};
    std::atomic<bool> over{false};
    std::thread other([&] {
      pin_to(processor);
      client = gettid();
      while (!over) sched_yield();
    });
    while (client == 0) sched_yield();
    std::thread([&] {
      // The scheduler may take the thread elsewhere at once, but not time and again.
      ClientProcessor follower;
      int met = 0;
      for (int requests = 0; requests < 640; ++requests) {
        follower.follow(client);
        met += sched_getcpu() == processor;
      }
      CHECK(met > 320);
      cpu_set_t allowed;
      REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
      CHECK(CPU_COUNT(&allowed) > 1);
    }).join();
    over = true;
    other.join();
  }
}

TEST_CASE("an unknown client, and one that is gone, are followed nowhere") {
  ClientProcessor follower;
  for (const pid_t client : {0, -1, 0x7ffffff0})
    for (int requests = 0; requests < 64; ++requests) follower.follow(client);
  SUCCEED();
}

}  // namespace butterfuse::client_processor_test
