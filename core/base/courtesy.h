// SPDX-License-Identifier: GPL-2.0-or-later
// Courtesy: long work lets threads that wait for its processor go first.
#pragma once

#include <sched.h>

namespace butterfuse {

// To be called about every hundred microseconds of work that nobody waits for. A thread that wakes while it
// has had more than its share waits its turn, though it may be due a moment later: the scheduler looks again
// only when a thread of that processor wakes or sleeps, or at its tick, up to 10 ms later. With nobody else
// there this takes less than a microsecond. Not between steps that others wait for, and better without locks.
inline void let_others_run() { sched_yield(); }

}  // namespace butterfuse
