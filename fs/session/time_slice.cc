// SPDX-License-Identifier: GPL-2.0-or-later
// Time slice: one system call that glibc has no name for.
#include "fs/session/time_slice.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace butterfuse {
namespace {

// As sched_setattr(2) has it. <linux/sched/types.h> cannot be used beside <sched.h>: both define sched_param.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0, deadline = 0, period = 0;  // nanoseconds
};

}  // namespace

void shorten_time_slice() {
  constexpr uint64_t kShortestNanoseconds = 100'000;  // the kernel takes nothing shorter
  SchedulingAttributes attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;
  attributes.runtime = kShortestNanoseconds;
  (void)syscall(SYS_sched_setattr, 0, &attributes, 0);  // refused: as without it
}

}  // namespace butterfuse
