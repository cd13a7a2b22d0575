// IdlePriority: ioprio_set(2), which the C library does not wrap.
#include "core/scrub/idle_priority.h"

#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace butterfuse {

IdlePriority::IdlePriority() {
  old_ = static_cast<int>(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
  syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

IdlePriority::~IdlePriority() {
  if (old_ >= 0) syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, old_);
}

}  // namespace butterfuse
