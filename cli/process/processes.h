// SPDX-License-Identifier: GPL-2.0-or-later
// Processes: those that /proc shows to this one, and what they have open.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "core/base/mount_table.h"
#include "core/base/processes.h"

namespace butterfuse {

// The number of each open descriptor, and what it is called. None for processes that may not be looked into.
void for_each_descriptor(
    const std::string& process,
    const std::function<void(const std::string& number, const std::string& target)>& visit);

// "bash (process 123): working directory": who keeps this mount of our mount namespace busy, as far as can be
// seen. Nothing here asks the mount itself.
std::vector<std::string> users_of_mount(const MountEntry& mount);
// A process of another mount namespace that has the same file system mounted, 0 when none is seen.
pid_t process_with_mount_elsewhere(const MountEntry& mount);

}  // namespace butterfuse
