// SPDX-License-Identifier: GPL-2.0-or-later
// SignalWatch: a thread in sigtimedwait(2).
#include "fs/session/signal_watch.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

namespace butterfuse {
namespace {

constexpr int kWakeUp = SIGUSR2;  // of the watch itself: no signal that somebody sent may be taken for it
constexpr long kAskEveryNs = 100'000'000;  // a tenth of a second: nobody waits for it but who has gone away

bool is_ignored(int number) {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// What our caller had ignored (nohup) stays so: one that is blocked would wait for the watch all the same.
sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kWakeUp);
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    if (!is_ignored(number)) sigaddset(&set, number);
  return set;
}

}  // namespace

void block_ending_signals() {
  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

SignalWatch::SignalWatch(Handler on_signal, std::function<bool()> is_over)
    : on_signal_(std::move(on_signal)), is_over_(std::move(is_over)), thread_([this] { run(); }) {}

SignalWatch::~SignalWatch() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), kWakeUp);
  thread_.join();
}

// A second signal while the first is answered has no effect: data is being saved.
void SignalWatch::run() {
  const sigset_t watched = watched_signals();
  sigset_t wake_up;
  sigemptyset(&wake_up);
  sigaddset(&wake_up, kWakeUp);
  const timespec tick{0, kAskEveryNs};
  bool called = false;
  while (!ending_) {
    // Called once, the rest is left to whoever comes after.
    const int number =
        sigtimedwait(called ? &wake_up : &watched, nullptr, is_over_ && !called ? &tick : nullptr);
    const bool asked = number > 0 && number != kWakeUp;
    const bool over = number < 0 && errno == EAGAIN && is_over_ && is_over_();
    if (ending_) {
      if (asked) ::kill(::getpid(), number);  // it came for the next watch
    } else if ((asked || over) && !std::exchange(called, true)) {
      on_signal_(ending_);
    }
  }
}

}  // namespace butterfuse
