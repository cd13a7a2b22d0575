// SPDX-License-Identifier: GPL-2.0-or-later
// Reading directories with positions that stay good while entries come and go.
#pragma once

#include <string>
#include <vector>

#include "core/items/dir_item.h"
#include "fs/mount/mount.h"

namespace butterfuse {

// Positions: 0 is before ".", 1 before "..", anything above is the lowest DIR_INDEX still to be read. An
// index is never used twice in a directory, so removed and added names disturb no one's position.
struct ListedEntry {
  std::string name;
  uint64_t ino = 0;            // d_ino
  uint32_t mode = 0;           // type bits
  uint64_t next_position = 0;  // to go on behind this entry
  bool is_dot = false;         // "." and ".."
  DirEntry entry;              // of names other than these
};

// Where a listing that begins now ends. Names added later, over and over by a rename say, are not in it.
Result<uint64_t> listing_end(Mount& mount, Inode& dir);
// Entries from `position` on and below `end`, until their names and `entry_bytes` for each fill
// `budget_bytes`; at least one, unless at the end.
Result<std::vector<ListedEntry>> list_directory(Mount& mount, Inode& dir, uint64_t position, uint64_t end,
                                                size_t budget_bytes, size_t entry_bytes);

}  // namespace butterfuse
