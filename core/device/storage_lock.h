// SPDX-License-Identifier: GPL-2.0-or-later
// StorageLock: who has bytes of files and disks locked, as programs here lock what they work on.
#pragma once

#include <sys/types.h>

#include <vector>

#include "core/device/storage_place.h"

namespace butterfuse {

enum class StorageLock { none, shared, exclusive };

// The strictest that somebody has on bytes of this layer itself (OpenOptions::lock); those below are layers
// of their own. Where it has no name, or may not be opened, the kernel's list of all locks tells, which knows
// a file by the number that its file system has inside.
StorageLock lock_on(const StorageLayer& layer);

// What a process has locked (OFD locks), down to where it lies; empty when it is out of sight.
std::vector<StoragePlace> places_locked_by(pid_t process);

}  // namespace butterfuse
