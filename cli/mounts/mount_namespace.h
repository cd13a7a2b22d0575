// SPDX-License-Identifier: GPL-2.0-or-later
// MountNamespace: the one that mount(8) or umount(8) names with -N.
#pragma once

#include <string>

#include "core/base/result.h"

namespace butterfuse {

// Nothing is done in another namespace than ours: ENOTSUP says how else. `name` is a process, or a file such
// as /proc/PID/ns/mnt; empty is ours.
Status check_own_mount_namespace(const std::string& name);

}  // namespace butterfuse
