// SPDX-License-Identifier: GPL-2.0-or-later
// Session: one FUSE mount from mount(2) until the kernel or a signal ends it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "fs/mount/mount.h"
#include "fs/session/mount_helper.h"

namespace butterfuse {

struct SessionOptions {
  std::string source;      // shown as the mounted device: source_name
  std::string mountpoint;  // absolute; or /dev/fd/N, which is /dev/fuse, mounted already by the caller
  bool single_thread = false;
  bool debug = false;
  std::function<void()> on_live;  // called once requests are being answered
  // Who mounts and unmounts. Null: nobody, the mount point is /dev/fd/N.
  const MountHelper* helper = nullptr;
  // Root's exclusive claim on a source that is one block device, open for writing. Without it that is mounted
  // as any other FUSE file system. With it `source` is what the kernel opens, and fsname= is passed over.
  struct DeviceClaim {
    int device = -1;  // open, as long as the session
    std::function<void()> give_up;
    std::function<Status(int descriptor)> take;  // one that the helper made
  };
  std::optional<DeviceClaim> claim;
};

// What a helper of this session is to do. `mount.read_only` is what it will be.
MountPlan mount_plan(const MountOptions& mount, const SessionOptions& options);

// N of "/dev/fd/N".
std::optional<int> fuse_descriptor_of(const std::string& mountpoint);

// Mounts and serves until umount(2), fusermount3 -u, or SIGTERM, SIGINT or SIGHUP, which unmount first, our
// mount and no other: what the kernel still holds is written before the file system goes. The caller then
// closes `mount`. Call it from the main thread, once, with these signals blocked in all threads
// (block_ending_signals): one that came already ends the mount as soon as it is there.
Status serve(Mount& mount, const SessionOptions& options);

}  // namespace butterfuse
