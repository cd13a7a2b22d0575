// SPDX-License-Identifier: GPL-2.0-or-later
// DeadMount: found in the mount table.
//
// A mount whose daemon has ended stays in the tree, and whoever asks it gets ENOTCONN. One whose daemon
// hangs gives no answer at all, for ever, and who waits for it may not even be killed. So a mount is asked
// by a child that one can wait for with a limit, and words about it come from the mount table alone.
#include "cli/mounts/dead_mount.h"

#include <fmt/format.h>

#include <cerrno>

#include "cli/mounts/unasked_path.h"
#include "core/base/mount_table.h"
#include "core/base/unasked_stat.h"

namespace butterfuse {

// ECONNABORTED: our helper has ended the connection of a daemon that was killed.
bool is_dead_mount(const Error& error) { return error.code == ENOTCONN || error.code == ECONNABORTED; }

bool is_dead_mount(const MountEntry& mount) {
  return mount.type.starts_with("fuse") && is_dead_mount_at(mount.mount_point);
}

Error with_dead_mount(Error error, const std::string& path) {
  if (!is_dead_mount(error)) return error;
  const auto table = read_mount_table();
  const MountEntry* mount = find_mount_of(table, unasked_mount_point(path));
  if (mount != nullptr && !mount->type.starts_with("fuse")) mount = nullptr;  // not found behind links
  const std::string place = mount != nullptr ? mount->mount_point : path;
  const char* const whose = mount != nullptr && mount->is_butterfuse_by_type() ? " (butterfuse)" : "";
  return {
      ENOTCONN,
      fmt::format("{}: a dead mount is at {}{}: its daemon has ended. \"butterfuse umount {}\" takes it away",
                  path, place, whose, place)};
}

}  // namespace butterfuse
