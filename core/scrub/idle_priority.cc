// SPDX-License-Identifier: GPL-2.0-or-later
// IdlePriority: ioprio_set(2), which the C library does not wrap. Its numbers are those of the man page:
// <linux/ioprio.h> names a parameter "class" in some versions, which is no C++.
#include "core/scrub/idle_priority.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace butterfuse {
namespace {

constexpr int kWhoProcess = 1;       // IOPRIO_WHO_PROCESS
constexpr int kIdleClass = 3 << 13;  // IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)

}  // namespace

// Who 0: the calling thread, not the process. Only I/O schedulers that know priorities (bfq) heed it.
IdlePriority::IdlePriority() {
  old_ = static_cast<int>(syscall(SYS_ioprio_get, kWhoProcess, 0));
  syscall(SYS_ioprio_set, kWhoProcess, 0, kIdleClass);
}

IdlePriority::~IdlePriority() {
  if (old_ >= 0) syscall(SYS_ioprio_set, kWhoProcess, 0, old_);
}

}  // namespace butterfuse
