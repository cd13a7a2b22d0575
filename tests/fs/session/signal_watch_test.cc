// SPDX-License-Identifier: GPL-2.0-or-later
// SignalWatch: signals as calls on a thread. In children, who would die of them else.
#include "fs/session/signal_watch.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <future>

#include "tests/support/catch/in_a_child.h"

namespace butterfuse::signal_watch_test {
namespace {

constexpr std::chrono::seconds kLong{20};

// A watch, and who is waiting for its call.
struct Watched {
  std::promise<void> called;
  std::atomic<int> calls = 0;
  SignalWatch watch;
  explicit Watched(std::function<bool()> is_over = nullptr)
      : watch(
            [this](const std::atomic<bool>&) {
              if (++calls == 1) called.set_value();
            },
            std::move(is_over)) {}
  bool is_called() { return called.get_future().wait_for(kLong) == std::future_status::ready; }
};

bool is_pending(int number) {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, number) == 1;
}

}  // namespace

TEST_CASE("each of the signals that end a mount is a call") {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    INFO("signal " << number);
    CHECK(in_a_child([number]() -> std::string {
            block_ending_signals();
            Watched watched;
            ::kill(::getpid(), number);
            return watched.is_called() ? "called" : "not called";
          }) == "called");
  }
}

TEST_CASE("a signal that came before the watch is not lost") {
  CHECK(in_a_child([]() -> std::string {
          block_ending_signals();
          ::kill(::getpid(), SIGTERM);
          Watched watched;
          return watched.is_called() ? "called" : "not called";
        }) == "called");
}

TEST_CASE("a second signal stays for the next watch, and calls nobody twice") {
  CHECK(in_a_child([]() -> std::string {
          block_ending_signals();
          {
            Watched watched;
            ::kill(::getpid(), SIGTERM);
            if (!watched.is_called()) return "not called";
            ::kill(::getpid(), SIGTERM);
            if (watched.calls != 1) return "called twice";
          }
          if (!is_pending(SIGTERM)) return "lost";
          Watched next;
          return next.is_called() ? "called again" : "not called again";
        }) == "called again");
}

TEST_CASE("a signal that the caller ignored stays ignored") {
  CHECK(in_a_child([]() -> std::string {
          ::signal(SIGHUP, SIG_IGN);
          block_ending_signals();
          Watched watched;
          ::kill(::getpid(), SIGHUP);
          ::kill(::getpid(), SIGTERM);
          if (!watched.is_called()) return "not called";
          return is_pending(SIGHUP) ? "pending" : "ignored";
        }) == "ignored");
}

TEST_CASE("what is over is taken for a signal, and a watch without one ends by itself") {
  CHECK(in_a_child([]() -> std::string {
          block_ending_signals();
          { Watched nothing; }
          std::atomic<bool> over = false;
          Watched watched([&] { return over.load(); });
          over = true;
          return watched.is_called() ? "called" : "not called";
        }) == "called");
}

}  // namespace butterfuse::signal_watch_test
