// SPDX-License-Identifier: GPL-2.0-or-later
// The table of mount options: all groups, and finding a name in them.
#include "fs/options/option_table.h"

namespace butterfuse {

// Made at the first question, once for the program. A search goes through all rows: there are fewer than two
// hundred, and a mount has a dozen words.
std::span<const MountOptionGroup> mount_option_groups() {
  static const std::vector<MountOptionGroup> groups{
      source_option_group(), data_option_group(), damage_option_group(), owner_option_group(),
      mount_option_group(),  fuse_option_group(), btrfs_option_group(),  helper_option_group()};
  return groups;
}

// A whole name wins over a family wherever the two stand: "X-mount.mkdir" acts, all other "X-*"
// are for programs.
const MountOptionRow* find_mount_option(std::string_view name) {
  const MountOptionRow* family = nullptr;
  for (const MountOptionGroup& group : mount_option_groups()) {
    for (const MountOptionRow& row : group.rows) {
      if (row.name == name) return &row;
      if (row.name.ends_with('*') && name.starts_with(row.name.substr(0, row.name.size() - 1))) family = &row;
    }
  }
  return family;
}

}  // namespace butterfuse
