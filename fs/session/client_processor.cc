// SPDX-License-Identifier: GPL-2.0-or-later
// ClientProcessor: one look into /proc for some requests.
//
// Of a client that waits and a server that wakes the scheduler thinks one at a time, and puts them on two
// processors. On one, an exchange is two switches between threads; on two it is two calls from processor to
// processor, which take twice as long and more where they are virtual.
#include "fs/session/client_processor.h"

#include <sched.h>

#include "fs/fuse/process.h"

namespace butterfuse {
namespace {

// A look costs as much as one request; the scheduler moves a thread every few milliseconds at most.
constexpr int kLookEvery = 16;

// The calling thread runs there when this returns; after that the scheduler decides again.
void move_to(int processor) {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  if (processor < 0 || processor >= CPU_SETSIZE || !CPU_ISSET(processor, &allowed)) return;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  if (sched_setaffinity(0, sizeof one, &one) == 0) (void)sched_setaffinity(0, sizeof allowed, &allowed);
}

}  // namespace

void ClientProcessor::follow(pid_t client) {
  if (client <= 0 || ++since_look_ < kLookEvery) return;
  since_look_ = 0;
  const auto processor = processor_of(client);
  if (processor && *processor != sched_getcpu()) move_to(*processor);
}

}  // namespace butterfuse
