// SPDX-License-Identifier: GPL-2.0-or-later
// Processes: those that /proc shows.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace butterfuse {

// In order of their numbers; empty where /proc is not there.
std::vector<pid_t> processes();
// The same, in the order in which they were started, the last one first. Those that have ended are left out.
std::vector<pid_t> youngest_first(const std::vector<pid_t>& pids);

// It has been killed or ends by itself: what it has open and locked is let go of without anybody's doing,
// though that takes as long as the call into the kernel that it is in.
bool is_ending(pid_t pid);

// It runs, or would if others left it a processor: it waits for nothing.
bool is_runnable(pid_t pid);

// Field `field` (from 3 on, as proc_pid_stat(5) counts) of the text of /proc/PID/stat; nothing where that is
// no number. Fields have no names there, and the name in parentheses may hold anything: what counts stands
// behind the last parenthesis.
std::optional<uint64_t> number_in_stat(std::string_view text, int field);

}  // namespace butterfuse
