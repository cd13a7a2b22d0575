// SPDX-License-Identifier: GPL-2.0-or-later
// DeadMount: what to say where a mount whose daemon has ended is in the way.
#pragma once

#include <string>

#include "core/base/mount_table.h"
#include "core/base/result.h"

namespace butterfuse {

// The kernel says so of a path on or in such a mount.
bool is_dead_mount(const Error& error);
// Of any FUSE mount. One that does not answer within a second is alive.
bool is_dead_mount(const MountEntry& mount);

// The error of something that was done with `path`; of a dead mount, whose it is, where, and how to be rid of
// it. The mount is not asked.
Error with_dead_mount(Error error, const std::string& path);

}  // namespace butterfuse
