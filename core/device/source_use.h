// SourceUse: who else uses a source, and where: the kernel, a loop device, another butterfuse.
#pragma once

#include <optional>
#include <string>

#include "core/base/mount_table.h"
#include "core/base/result.h"
#include "core/device/storage_place.h"
#include "core/device/window_device.h"

namespace butterfuse {

struct SourceUse {
  std::string text;            // "is mounted at /mnt (btrfs, through /dev/loop3)"
  bool may_write = true;       // it can change what is stored
  bool by_butterfuse = false;  // a mount of ours
};

// Looks at the mounts of all mount namespaces, at the devices of the kernel's btrfs (all of them, wherever
// they are mounted) and at loop devices that somebody has exclusively, as far as this process may see them.
// Other mounts by butterfuse have their own window of a source and their lock on it: they are not counted
// here, but for loop devices that stand between.
std::optional<SourceUse> find_source_use(const std::string& path, const DeviceWindow& window = {});

// The mount has this file or disk, or what lies on it, as its source: so its daemon's descriptors say, or, where they are out
// of sight, the name that is shown, which may be any (fsname=).
bool is_mounted_from(const MountEntry& mount, const StoragePlace& place);

// Who has an image file locked, or a part of it; nothing where nobody does.
std::optional<SourceUse> find_locker(const std::string& image);
// Of a source that is locked: the living mount that has it. Nothing where there is none (any more): a daemon
// ends later than its mount.
std::optional<SourceUse> find_butterfuse_mount(const std::string& path);
// "process 123 (butterfuse)", or empty: who has the source open, as far as can be seen.
std::string find_opener(const std::string& path);

// EBUSY when somebody else uses the source and one of the two might write.
Status check_unused(const std::string& path, OpenMode mode, const DeviceWindow& window = {});

}  // namespace butterfuse
