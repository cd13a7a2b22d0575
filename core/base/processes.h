// The processes that /proc shows.
#pragma once

#include <sys/types.h>

#include <vector>

namespace butterfuse {

// In order of their numbers; empty where /proc is not there.
std::vector<pid_t> processes();

}  // namespace butterfuse
