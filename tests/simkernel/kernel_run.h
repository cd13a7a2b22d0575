// SPDX-License-Identifier: GPL-2.0-or-later
// KernelRun: programs on a simulated kernel over fs/fuse, and a power cut at each write that comes of it.
#pragma once

#include "tests/crash/crash_run.h"

namespace butterfuse::simkernel {

// Two lives: the second begins with what a crash of the first left. All that happens follows from the seed.
void run_kernel_workload(uint64_t seed, const crash::CrashRunOptions& options, crash::CrashCounts& counts);

}  // namespace butterfuse::simkernel
