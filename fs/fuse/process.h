// Process: what a caller's process may do, where the request does not say it.
#pragma once

#include <sys/types.h>

namespace butterfuse {

// Capabilities as capability(7) numbers them.
constexpr int kCapFsetid = 4;
constexpr int kCapSysAdmin = 21;

// Asks /proc; false when the process is gone or out of sight.
bool has_capability(pid_t pid, int capability);
// False for one that is out of sight.
bool is_in_group(pid_t pid, gid_t group);
// The process's effective user, or kUnknownUser.
uid_t user_of_process(pid_t pid);

}  // namespace butterfuse
