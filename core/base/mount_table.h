// SPDX-License-Identifier: GPL-2.0-or-later
// MountTable: what the kernel says is mounted where.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace butterfuse {

// A line of /proc/PID/mountinfo. None of this touches the mounts: they may be dead, or wait for ever.
struct MountEntry {
  int id = 0, parent = 0;   // of the mount, and of the one it is mounted on
  dev_t device = 0;         // st_dev of its files
  std::string mount_point;  // as its namespace sees it, without the kernel's escapes
  std::string type, source;
  std::string flags, super_flags;  // of the mount, of the file system: "ro,nosuid", "rw,allow_other"
  bool has_helper = false;         // a process calls itself this mount's helper

  // See fuse_connection_of.
  uint64_t fuse_connection() const;
  bool has(std::string_view flag) const;        // the mount
  bool super_has(std::string_view flag) const;  // the file system
  // Of two looks at mount tables, in whatever namespaces: both are the same file system. A number is free for
  // the next one as soon as its file system has ended, whatever that next one is.
  bool is_same_filesystem(const MountEntry& other) const;
  // By its type, which a dead mount has, too.
  bool is_butterfuse_by_type() const;
  // Or, of one that has another type (that of a block device is fuseblk, as of other programs; subtype=), by
  // its helper, which lives as long as its daemon. Anybody can have a foreign mount count as ours: nothing
  // may be allowed because of it.
  bool is_butterfuse() const;
};

// In the order of mounting: of several on one path, the last one is seen. `process` is a pid or "self".
// Empty when it can't be read.
std::vector<MountEntry> read_mount_table(const std::string& process = "self");

// The one that is seen at this absolute path; null when nothing is mounted there.
const MountEntry* find_mount_at(const std::vector<MountEntry>& table, const std::string& path);
// In our own namespace, now.
std::optional<MountEntry> mount_at(const std::string& path);
// The one of our own namespace that a walk along this path, which has no links in it, ends on: the table
// alone can't tell which of several lies on top, nor whether all are out of reach below another mount. Null
// when nothing is mounted there.
const MountEntry* find_mount_seen_at(const std::vector<MountEntry>& table, const std::string& path);
// The one that has this absolute path in it, seen from names alone.
const MountEntry* find_mount_of(const std::vector<MountEntry>& table, const std::string& path);

}  // namespace butterfuse
