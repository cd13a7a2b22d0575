// SPDX-License-Identifier: GPL-2.0-or-later
// MountDaemon: the process that serves a mount, to wait for its end.
#pragma once

#include <sys/types.h>

#include <optional>

#include "core/base/mount_table.h"
#include "core/base/result.h"

namespace butterfuse {

// Holds the process by a descriptor: its number may mean another one later.
class MountDaemon {
 public:
  // The process that daemon_of_mount() finds, or else, where the kernel tells of no connections, one that has
  // /dev/fuse and the mount's source open. Nothing when it has died, or is out of sight: in another pid
  // namespace, or without a helper and of another user.
  static std::optional<MountDaemon> find(const MountEntry& mount);
  MountDaemon(MountDaemon&& other) noexcept;
  MountDaemon& operator=(MountDaemon&&) = delete;
  ~MountDaemon();

  pid_t pid() const { return pid_; }
  // Returns when it has ended. ETIME after `patience_ms` (negative: never), EINTR after a signal; EIO when it
  // ended with an error, as far as the kernel tells (Linux 6.15).
  Status wait(int patience_ms) const;

 private:
  MountDaemon(pid_t pid, int descriptor) : pid_(pid), descriptor_(descriptor) {}
  pid_t pid_;
  int descriptor_;
};

}  // namespace butterfuse
