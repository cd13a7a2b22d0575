// SPDX-License-Identifier: GPL-2.0-or-later
// Interruption: signals that are a wish. In children, who would die of them else.
#include "cli/process/interruption.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/support/catch/in_a_child.h"

namespace butterfuse::interruption_test {
namespace {

std::string word(bool requested) { return requested ? "requested" : "not requested"; }

}  // namespace

TEST_CASE("each of the signals that end programs is a wish, and ends nothing") {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    INFO("signal " << number);
    CHECK(in_a_child([number]() -> std::string {
            Interruption::watch();
            const std::string before = word(Interruption::requested());
            ::raise(number);
            return before + ", " + word(Interruption::requested());
          }) == "not requested, requested");
  }
}

TEST_CASE("a signal that the caller ignored stays ignored") {
  CHECK(in_a_child([]() -> std::string {
          ::signal(SIGHUP, SIG_IGN);
          Interruption::watch();
          ::raise(SIGHUP);
          const std::string after_ignored = word(Interruption::requested());
          ::raise(SIGTERM);
          return after_ignored + ", " + word(Interruption::requested());
        }) == "not requested, requested");
}

TEST_CASE("other signals are nobody's wish") {
  CHECK(in_a_child([]() -> std::string {
          ::signal(SIGUSR1, [](int) {});
          Interruption::watch();
          ::raise(SIGUSR1);
          return word(Interruption::requested());
        }) == "not requested");
}

TEST_CASE("what waits ends with EINTR") {
  CHECK(in_a_child([]() -> std::string {
          Interruption::watch();
          int ends[2];
          if (::pipe(ends) != 0) return "no pipe";
          const pid_t waiting = ::getpid();
          const pid_t other = ::fork();
          if (other == 0) {
            // Until it is asleep in read(2), a signal may come too early: then another one comes.
            while (::getppid() == waiting) ::kill(waiting, SIGINT), ::usleep(1000);
            ::_exit(0);
          }
          char byte = 0;
          const ssize_t got = ::read(ends[0], &byte, 1);
          const int code = errno;
          ::kill(other, SIGKILL);
          return got < 0 && code == EINTR ? "interrupted" : "ended otherwise";
        }) == "interrupted");
}

}  // namespace butterfuse::interruption_test
