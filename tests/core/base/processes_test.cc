// SPDX-License-Identifier: GPL-2.0-or-later
// Processes: those that are there, and who of them is younger.
#include "core/base/processes.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

namespace butterfuse::processes_test {
namespace {

pid_t start_child() {
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) ::pause();
  return child;
}

}  // namespace

TEST_CASE("the younger of two processes comes first, and who has ended is left out") {
  const pid_t elder = start_child();
  ::usleep(30'000);  // starts are counted in ticks
  const pid_t younger = start_child();
  const auto all = processes();
  for (const pid_t one : {elder, younger, ::getpid()}) CHECK(std::ranges::find(all, one) != all.end());
  CHECK(youngest_first({elder, younger, ::getpid()}) == std::vector{younger, elder, ::getpid()});
  CHECK(youngest_first({younger, ::getpid(), elder}) == std::vector{younger, elder, ::getpid()});
  for (const pid_t one : {elder, younger}) {
    ::kill(one, SIGKILL);
    ::waitpid(one, nullptr, 0);
  }
  CHECK(youngest_first({elder, ::getpid(), younger}) == std::vector{::getpid()});
}

TEST_CASE("who was killed and still has something open is ending, and who lives is not") {
  const pid_t child = start_child();
  CHECK_FALSE(is_ending(child));
  CHECK_FALSE(is_ending(::getpid()));
  ::kill(child, SIGKILL);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  CHECK(is_ending(child));  // not fetched yet
  ::waitpid(child, nullptr, 0);
  CHECK_FALSE(is_ending(child));  // nobody
}

}  // namespace butterfuse::processes_test
