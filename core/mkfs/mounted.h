// mount_point_of: whether the kernel has a source mounted, itself or through a loop device.
#pragma once

#include <optional>
#include <string>

namespace butterfuse {

// Where; nothing when it is not mounted. A FUSE daemon that has the source open is found by its lock instead,
// when the device is opened.
std::optional<std::string> mount_point_of(const std::string& path);

}  // namespace butterfuse
