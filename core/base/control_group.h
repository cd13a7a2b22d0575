// SPDX-License-Identifier: GPL-2.0-or-later
// Control groups: what the groups that this process is in allow it, each and all above it (cgroups(7)).
#pragma once

#include <cstdint>

namespace butterfuse {

// memory.max of version 2, memory.limit_in_bytes of version 1: the least. UINT64_MAX: no limit.
uint64_t control_group_memory_bytes();
// A quota says how long its processes may use processors in a period (cpu.max, cpu.cfs_quota_us).
bool processor_time_is_limited();

}  // namespace butterfuse
