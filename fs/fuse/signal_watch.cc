// SignalWatch: a thread in sigwait(3).
#include "fs/fuse/signal_watch.h"

#include <pthread.h>

#include <utility>

namespace butterfuse {

SignalWatch::SignalWatch(Handler on_signal) : on_signal_(std::move(on_signal)) {
  sigemptyset(&watched_);
  for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched_, number);
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
