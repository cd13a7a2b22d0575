// SignalWatch: turns SIGTERM, SIGINT and SIGHUP into an orderly unmount.
#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <thread>

namespace butterfuse {

// Blocks the signals in the calling thread and all it starts later. Call it before any thread is started, so
// that no thread dies of a signal that the watch is to see.
void block_ending_signals();

// Blocks the signals in the constructing thread (and so in all it starts later) and waits for them on its own
// thread. `on_signal` runs there, once; it should return soon after `ending` becomes true, which the
// destructor says before it waits for the thread and puts things back.
class SignalWatch {
 public:
  using Handler = std::function<void(const std::atomic<bool>& ending)>;
  explicit SignalWatch(Handler on_signal);
  ~SignalWatch();

 private:
  void run();
  Handler on_signal_;
  sigset_t watched_{};
  sigset_t before_{};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace butterfuse
