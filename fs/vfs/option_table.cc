// The table of mount options: all groups, and finding a name in them.
#include "fs/vfs/option_table.h"

namespace butterfuse {

std::span<const MountOptionGroup> mount_option_groups() {
  static const std::vector<MountOptionGroup> groups{
      source_option_group(), data_option_group(), damage_option_group(), owner_option_group(),
      mount_option_group(),  fuse_option_group(), btrfs_option_group(),  helper_option_group()};
  return groups;
}

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
