// SPDX-License-Identifier: GPL-2.0-or-later
// SignalWatch: SIGTERM, SIGINT and SIGHUP, as far as they are not ignored, as calls on a thread of its own.
#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <thread>

namespace butterfuse {

// Blocks the signals in the calling thread and all it starts later. Call it before any thread is started, so
// that no thread dies of a signal that the watch is to see.
void block_ending_signals();

// Waits for these signals on its own thread. REQUIRES: they are blocked. `on_signal` runs there, once; it
// should return soon after `ending` becomes true, which the destructor says before it waits for the thread. A
// signal that comes later stays pending, for the next watch.
class SignalWatch {
 public:
  using Handler = std::function<void(const std::atomic<bool>& ending)>;
  // With `is_over`, that is asked ten times a second, and true is taken for a signal.
  explicit SignalWatch(Handler on_signal, std::function<bool()> is_over = nullptr);
  ~SignalWatch();

 private:
  void run();
  const Handler on_signal_;
  const std::function<bool()> is_over_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace butterfuse
