// SPDX-License-Identifier: GPL-2.0-or-later
// FoundTree: everything that a mount shows, for comparison with a model.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "fs/mount/mount.h"

namespace butterfuse::crash {

struct FoundInode {
  uint32_t mode = 0, flags = 0;                      // FS_*_FL
  std::string content;                               // of files; the target of symbolic links
  std::map<std::string, std::string> xattrs;         // user.*
  std::set<std::pair<uint64_t, std::string>> names;  // (directory, name)
  std::map<std::string, uint64_t> entries;           // of directories
};

struct FoundTree {
  uint64_t root = 0;
  std::map<uint64_t, FoundInode> inodes;
};

// Reads all names, attributes and bytes of the work folder. An error names the path that can't be read.
Result<FoundTree> find_tree(Mount& mount);

}  // namespace butterfuse::crash
