// DeadMount: found in the mount table.
#include "cli/dead_mount.h"

#include <fmt/format.h>

#include <cerrno>

#include "cli/mount_point.h"
#include "core/base/mount_table.h"

namespace butterfuse {

// ECONNABORTED: our helper has ended the connection of a daemon that was killed.
bool is_dead_mount(const Error& error) { return error.code == ENOTCONN || error.code == ECONNABORTED; }

Error with_dead_mount(Error error, const std::string& path) {
  if (!is_dead_mount(error)) return error;
  const auto table = read_mount_table();
  const MountEntry* mount = find_mount_of(table, unasked_mount_point(path));
  if (mount != nullptr && !mount->type.starts_with("fuse")) mount = nullptr;  // not found behind links
  const std::string place = mount != nullptr ? mount->mount_point : path;
  if (mount != nullptr && mount->is_butterfuse())
    return {ENOTCONN, fmt::format("{}: a dead mount is at {} (butterfuse): its daemon has ended. \"butterfuse umount {}\" takes it "
                                  "away",
                                  path, place, place)};
  return {ENOTCONN, fmt::format("{}: a dead mount is at {}: its daemon has ended. \"umount {}\" or \"fusermount3 -u {}\" takes it away",
                                path, place, place, place)};
}

}  // namespace butterfuse
