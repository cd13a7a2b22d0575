// SPDX-License-Identifier: GPL-2.0-or-later
// The time slice: how soon a thread that wakes gets the processor from threads that compute.
#pragma once

namespace butterfuse {

// Asks the scheduler for short slices for the calling thread and those it starts from now on: woken, such
// a thread runs at once where one with longer slices (a worker that compresses) has the processor,
// instead of waiting for the end of that one's slice. Takes no privilege and no larger share of the
// processor. Linux 6.12 and later heed it (sched_attr::sched_runtime of SCHED_OTHER, sched(7)); before
// that it changes nothing.
void shorten_time_slice();

}  // namespace butterfuse
