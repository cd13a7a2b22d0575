// Sandbox: once all files are open, the daemon gives up what serving them does not need.
#pragma once

#include <string>

#include "core/base/result.h"

namespace butterfuse {

// For the whole process, for good: no new privileges, and a seccomp filter that lets through memory, threads,
// I/O on open files, reading (not writing) by path, and umount2; no programs and no new sockets; everything
// else is EPERM. For the calling thread and those it starts: by path only /proc can be read (Landlock, where
// the kernel has it).
//
// An image that takes over the daemon can then not start programs, change or read files of its user, or talk
// to the network. Returns what is in force, for the log. ENOSYS and others from the kernel; ENOTSUP in builds
// with a sanitizer, which needs more than this.
Result<std::string> enter_sandbox();

}  // namespace butterfuse
