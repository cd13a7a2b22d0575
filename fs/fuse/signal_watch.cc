// SignalWatch: a thread in sigwait(3).
#include "fs/fuse/signal_watch.h"

#include <pthread.h>

#include <utility>

namespace butterfuse {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

void block_ending_signals() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

SignalWatch::SignalWatch(Handler on_signal) : on_signal_(std::move(on_signal)) {
  watched_ = ending_signals();
  pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  thread_ = std::thread([this] { run(); });
}

SignalWatch::~SignalWatch() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

// A second signal while the unmount goes on has no effect: data is being saved.
void SignalWatch::run() {
  bool called = false;
  for (;;) {
    int number = 0;
    if (sigwait(&watched_, &number) != 0) continue;
    if (ending_) return;
    if (!std::exchange(called, true)) on_signal_(ending_);
  }
}

}  // namespace butterfuse
