// SPDX-License-Identifier: GPL-2.0-or-later
// Sandbox: once all files are open, the daemon gives up what reading the image and serving it does not need.
#pragma once

#include <string>

#include "core/base/result.h"

namespace butterfuse {

// For the whole process, for good: no new privileges; no capabilities, root's daemon has none either; a
// seccomp filter that lets through memory, threads, I/O on open files and reading (not writing) by path; no
// programs and no new sockets; everything else is EPERM. By path only /proc, and what /sys says of memory
// limits and processors, can be read (Landlock, where the kernel has it).
//
// REQUIRES that the process has one thread (EBUSY): two of these hold for the calling thread and those it
// starts. So it comes before the image is read, when all files are open and MountHelper runs.
//
// An image that takes over the daemon can then not start programs, change or read files of its user, or talk
// to the network. Returns what is in force, for the log. ENOSYS and others from the kernel; ENOTSUP in builds
// with a sanitizer, which needs more than this.
Result<std::string> enter_sandbox();

}  // namespace butterfuse
