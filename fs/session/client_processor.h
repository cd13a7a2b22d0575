// SPDX-License-Identifier: GPL-2.0-or-later
// ClientProcessor: where the client runs, and a server that goes there.
#pragma once

#include <sys/types.h>

namespace butterfuse {

// Of one thread that answers requests.
class ClientProcessor {
 public:
  // The calling thread is at a request of the thread `client` (0: unknown), which waits for the answer. Now
  // and then it moves to the processor on which that one ran last, and may be moved elsewhere by the
  // scheduler at any time. Nothing where /proc does not say it. The look may last (fs/fuse/process.h):
  // another must be there to receive.
  void follow(pid_t client);

 private:
  int since_look_ = 0;
};

}  // namespace butterfuse
