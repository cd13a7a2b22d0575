// SPDX-License-Identifier: GPL-2.0-or-later
// MountProcess: which processes stand behind a mount of ours, as /proc tells everybody.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace butterfuse {

// The helper of a mount carries the number of what it has mounted as its name. Others find the mount by that,
// whatever it is shown as, whoever they are, in any mount namespace, and ask nobody who may be dead or hang.
void name_helper_of_mount(dev_t device);
// Those that a process has the name of. A helper ends with its daemon;
// but whoever likes may take such a name: it is no proof.
std::vector<dev_t> mounts_with_helpers();

// The process that serves a mount: the parent of its helper, or, where that is none of ours or there is none,
// the one that has its connection open (Linux 6.17 tells of that, to root and the daemon's user). 0: it has
// died, or is out of sight.
pid_t daemon_of_mount(dev_t device);

// The number of a FUSE mount's connection, as the kernel counts devices inside: fdinfo and fusectl have it.
uint64_t fuse_connection_of(dev_t device);

// What a process has to do with /dev/fuse. Untold: the kernel does not tell which connection it has
// open, or not us.
enum class FuseConnection { this_one, another, untold, none };
FuseConnection connection_of_process(pid_t pid, uint64_t wanted);

}  // namespace butterfuse
