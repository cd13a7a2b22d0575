// Session: one FUSE mount from mount(2) until the kernel or a signal ends it.
#pragma once

#include <functional>
#include <string>

#include "core/base/result.h"
#include "fs/vfs/mount.h"

namespace butterfuse {

struct SessionOptions {
  std::string source;      // shown as the mounted device
  std::string mountpoint;  // absolute
  bool single_thread = false;
  bool debug = false;
  std::function<void()> on_live;  // called once requests are being answered
};

// Mounts and serves until umount(2), fusermount3 -u, or SIGTERM, SIGINT or SIGHUP, which unmount first: what
// the kernel still holds is written before the file system goes. The caller then closes `mount`. Call it from
// the main thread, once, with no other thread caring for these signals.
Status serve(Mount& mount, const SessionOptions& options);

}  // namespace butterfuse
