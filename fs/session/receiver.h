// SPDX-License-Identifier: GPL-2.0-or-later
// Receiver: how a thread waits for the kernel's next request.
#pragma once

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>

#include <atomic>
#include <chrono>

#include "core/base/result.h"

namespace butterfuse {

// The next request goes to one of the threads that wait here; which one the kernel says.
class Receiver {
 public:
  enum class Waits {
    asleep,  // in read(2): the client's next request wakes the thread where the client runs
    awake,   // looks again and again for a moment, on another processor than the client's; then asleep
  };
  // What one thread remembers from request to request.
  struct Past {
    int spin_credit = 0;  // how much waiting awake has paid off lately
    int crowded = 0;      // requests in a row that were there before the thread was
  };

  Receiver(fuse_session* session, Waits waits);
  // Once, before the first receive. Sets whether the session's descriptor blocks.
  Status prepare();
  // The next request in `buffer`, which libfuse allocates; false when the session has ended.
  Result<bool> receive(fuse_buf& buffer, Past& past);

 private:
  using Clock = std::chrono::steady_clock;

  int look(fuse_buf& buffer);
  Result<bool> receive_asleep(fuse_buf& buffer, Past& past);
  Result<bool> receive_awake(fuse_buf& buffer, Past& past);
  void await_request(Past& past, Clock::time_point since);
  bool spin(Past& past, Clock::time_point since);

  fuse_session* const session_;
  const Waits waits_;
  const bool can_spin_;             // there is another processor for the client
  std::atomic<bool> spins_{false};  // a thread waits awake: one is enough
};

}  // namespace butterfuse
