// SPDX-License-Identifier: GPL-2.0-or-later
// Caller: on whose behalf an operation runs.
#pragma once

#include <sys/types.h>

#include "core/cache/writeback_domain.h"

namespace butterfuse {

constexpr uid_t kUnknownUser = ~uid_t{0};

// As the request says it. With mounts of mapped ids the kernel names a user only where an inode
// is made (fs/fuse/features.cc).
struct Caller {
  uid_t uid = 0;  // may be kUnknownUser unless an inode is to be created
  gid_t gid = 0;
  pid_t pid = 0;
  bool kill_suidgid = false;  // what it writes to loses set-user-id, and set-group-id of executables
  bool kill_sgid = false;     // and all set-group-id: it is not in the file's group
};

// Whose dirty limit a write is charged to. The one place to change when cgroups become domains.
inline DomainId domain_of(const Caller& caller) { return caller.uid; }

}  // namespace butterfuse
