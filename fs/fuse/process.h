// SPDX-License-Identifier: GPL-2.0-or-later
// Process: what /proc says of a caller, where the request does not say it.
//
// A look holds the process's memory: if it ends meanwhile, that is taken down by the thread that looks, which
// then waits for what it takes, such as our writing back a file that was mapped. Hold no lock that requests
// need, and let another thread receive them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/base/mount_table.h"
#include "fs/control/credentials.h"
#include "fs/mount/caller.h"

namespace butterfuse {

// Of the thread `pid` of a request that waits for its answer: its number can't become another's meanwhile.
// `known` only where it is certain whom /proc speaks of: not for pid 0 (another pid namespace), nor for
// kernel threads, nor where /proc counts processes otherwise than we do.
Credentials credentials_of(pid_t pid);

// Who is asked whether a process is in our user namespace where we may not see it ourselves: see MountHelper.
// Before requests are served; without one, and where it can't tell, privileges count for nothing.
void ask_for_user_namespaces(std::function<bool(pid_t)> shares_ours);

// What a change of content takes from the file, for drop_privileges. With `caller.kill_suidgid`
// as the request has it: what is left to find out is whether the caller may keep set-group-id of
// what is no executable.
Caller with_told_losses(Caller caller, const InodeItem& item);
// For the requests in which the kernel does not say it: CAP_FSETID counts in the initial user namespace only,
// as it does for write(2).
Caller with_own_losses(Caller caller, const InodeItem& item);

// The processor on which the thread `pid` runs, or ran last; nothing where /proc does not say it.
std::optional<int> processor_of(pid_t pid);

// What is mounted where, as the thread `pid` sees it. Empty where /proc does not say it.
std::vector<MountEntry> mounts_seen_by(pid_t pid);
// See MountEntry::fuse_connection. `descriptor`: ours, of /dev/fuse. Nothing before Linux 5.15.
std::optional<uint64_t> connection_of_descriptor(int descriptor);

// The process's file system user, or kUnknownUser. For accounting only: it may be who that was 50 ms ago.
uid_t user_of_process(pid_t pid);

}  // namespace butterfuse
