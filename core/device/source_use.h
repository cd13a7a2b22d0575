// SPDX-License-Identifier: GPL-2.0-or-later
// SourceUse: who else uses a source, and where: the kernel, a loop device, another butterfuse.
#pragma once

#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/device/storage_place.h"
#include "core/device/window_device.h"

namespace butterfuse {

struct SourceUse {
  std::string text;            // "is mounted at /mnt (btrfs, through /dev/loop3)"
  bool may_write = true;       // it can change what is stored
  bool by_butterfuse = false;  // a mount of ours
  // A program of ours that is about to end: only a lock tells of it, and no mount, as of a daemon behind
  // umount(2), or its mount is still there, in this or another namespace, and it was killed.
  bool may_end_soon = false;
};

// Looks at the mounts of all mount namespaces, at the devices of the kernel's btrfs (all of them, wherever
// they are mounted), at loop devices that somebody has exclusively, at what is made of a disk, and at the
// locks on what the source lies in, as far as this process may see them. The lock on the source itself is not
// counted: whoever opens it meets that, and waits for those that end.
std::optional<SourceUse> find_source_use(const std::string& path, const DeviceWindow& window = {});

// Of a place that is locked: the living mount that has it, in words about `path`. Nothing where there is none
// (any more): a daemon ends later than its mount.
std::optional<SourceUse> find_butterfuse_mount(const std::string& path, const StoragePlace& place);
// "process 123 (butterfuse)", or empty: who has what is there open, as far as can be seen.
std::string find_opener(const StoragePlace& place);

// EBUSY when somebody else uses the source and one of the two might write. A use that may end soon is waited
// for, `wait_ms` at most.
Status check_unused(const std::string& path, OpenMode mode, const DeviceWindow& window, uint32_t wait_ms);
// EBUSY, and what to do.
tl::unexpected<Error> in_use_by_mount(const std::string& path, const SourceUse& mount);

}  // namespace butterfuse
