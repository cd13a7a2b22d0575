// SPDX-License-Identifier: GPL-2.0-or-later
// SubvolumeSurvey: names and inodes of one subvolume as its items have them, with every disagreement kept.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/btree/tree_image.h"
#include "core/transaction/filesystem.h"

namespace butterfuse::repair {

// Inode numbers that files and directories have.
constexpr bool is_common(uint64_t ino) { return ino >= objectid::kFirstFree && ino <= objectid::kLastFree; }

struct FoundEntry {
  Key location;
  uint8_t type = 0;
  friend bool operator==(const FoundEntry&, const FoundEntry&) = default;
};

// A name in a directory, wherever it was met.
struct FoundName {
  std::optional<FoundEntry> item;  // DIR_ITEM
  bool has_two_items = false;
  std::map<uint64_t, FoundEntry> indexes;   // DIR_INDEX, by index
  std::map<uint64_t, uint64_t> references;  // index by inode: INODE_REF, INODE_EXTREF
};

struct FoundInode {
  std::optional<DiskInodeItem> item;
  bool orphan = false;
  bool has_entries = false;  // DIR_ITEM or DIR_INDEX items of its own
  bool is_parent = false;    // by the references of inodes that no entry leads to
  bool has_extents = false, has_references = false;
  bool has_compressed = false;  // extents that are not inline
  uint64_t extent_bytes = 0;    // what nbytes has to be
  uint64_t extent_end = 0;
};

struct SubvolumeSurvey {
  std::map<std::pair<uint64_t, std::string>, FoundName> names;  // by directory and name
  std::map<uint64_t, FoundInode> inodes;
  std::map<uint64_t, uint32_t> kinds;  // by inode that has no item: S_IFMT bits, as a name of it has them
};

Result<SubvolumeSurvey> survey_subvolume(Tree& tree);
Result<SubvolumeSurvey> survey_items(const std::vector<TreeItem>& items);

// An inode item for one that lost it: its kind by the rest of its items and by its names.
DiskInodeItem guess_inode(const SubvolumeSurvey& survey, uint64_t ino, uint64_t generation);
// Whether there is more of the inode than a name.
bool is_worth_an_inode(const FoundInode& inode, uint64_t ino);
// The bits of an inode's flags that some version of btrfs gives a meaning.
constexpr uint64_t kKnownInodeFlags = 0xfff | inode_flag::kRootItemInit | inode_flag::kRoVerity;

}  // namespace butterfuse::repair
