// MountInfo: what the kernel says of a mount of ours, in /proc/self/mountinfo.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace butterfuse {

struct MountInfo {
  std::string id;                  // no other mount has it while this one lives
  std::string mountpoint;          // as the kernel has it: absolute, without escapes
  std::string type, source;        // "fuse.butterfuse", and what was named
  std::vector<std::string> flags;  // of the mount: "ro", "nosuid", ...
  std::vector<std::string> super;  // of the file system: "ro", "sync", "allow_other", ...
  bool is_butterfuse() const {
    return type == "fuse.butterfuse" || type == "fuseblk";
  }                                        // a block device has no subtype
  bool has(const char* flag) const;        // of the mount
  bool super_has(const char* flag) const;  // of the file system
};

// The mount one sees at `mountpoint` (the last one, where several lie on each other). Nothing if there is
// none.
std::optional<MountInfo> mount_at(const std::string& mountpoint);

}  // namespace butterfuse
