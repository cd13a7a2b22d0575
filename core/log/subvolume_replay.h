// SPDX-License-Identifier: GPL-2.0-or-later
// SubvolumeReplay: brings one subvolume to the state its log tree tells of.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/items/dir_item.h"
#include "core/items/inode_item.h"
#include "core/log/log_items.h"
#include "core/log/logged_space.h"

namespace butterfuse {

// The stages follow the kernel's (fs/btrfs/tree-log.c), since it decided what a log means:
//
//  1. inodes     attributes; what the log lacks goes: xattrs of logged inodes, names inside logged index
//                ranges, data behind the size
//  2. entries    DIR_INDEX items whose inode has no reference in the log
//  3. contents   xattrs, references (each makes its name), extents with checksums
//  4. links      inodes whose names changed: nlink counted anew, orphans made; directories: size counted anew
//
// A log holds for one inode either all of a kind of item (xattrs, references of a parent) or only what
// changed (extents, entries). Not thread-safe; takes one tree lock at a time. On an error the transaction
// must be aborted.
class SubvolumeReplay {
 public:
  // `log` and `tree` of one subvolume; all that the log uses is in `space`.
  SubvolumeReplay(TransactionHandle& handle, Tree& log, Tree& tree, LoggedSpace& space)
      : handle_(handle), log_(log), tree_(tree), space_(space) {}

  Status run();

 private:
  Status replay_inodes();
  Status replay_entries();
  Status replay_contents();
  Status settle_links();

  // subvolume_replay.cc
  Status replay_inode(uint64_t ino, const InodeItem& logged);
  Status merge_inode(uint64_t ino, const InodeItem& logged, const std::optional<InodeItem>& old);
  Status drop_behind_size(uint64_t ino);
  Status remove_absent_xattrs(uint64_t ino);
  Result<bool> log_has_xattr(const Key& key, std::string_view name);
  Status replay_xattrs(const LogItem& item);
  Result<std::optional<InodeItem>> find_inode(uint64_t ino);

  // replay_names.cc
  Status remove_absent_names(uint64_t dir_ino);
  Status remove_absent_names(uint64_t dir_ino, uint64_t first_index, uint64_t last_index);
  Result<bool> log_has_entry(uint64_t dir_ino, const DirEntry& entry);
  Status replay_entry(const LogItem& item);
  Status replay_refs(uint64_t ino);
  Status replay_refs_of_parent(uint64_t ino, uint64_t parent_ino, const std::vector<InodeRef>& logged);
  Status replay_ref(uint64_t ino, const InodeItem& inode, const InodeRef& ref);
  Status make_room_for(uint64_t dir_ino, const DirEntry& entry);
  Status add_name(uint64_t dir_ino, const DirEntry& entry);
  Status remove_name(uint64_t dir_ino, std::string_view name, uint64_t ino);
  Result<std::optional<DirEntry>> entry_at(Tree& tree, uint64_t dir_ino, uint64_t index);
  Status remove_other_names_of_dir(uint64_t ino);

  // replay_links.cc
  Status settle_inode(uint64_t ino);
  Status empty_directory(uint64_t dir_ino);
  Status settle_directory_size(uint64_t dir_ino);

  // replay_extents.cc
  Status replay_extent(const LogItem& item);
  Status replay_csums(ByteRange bytenrs);

  TransactionHandle& handle_;
  Tree& log_;
  Tree& tree_;
  LoggedSpace& space_;
  std::set<uint64_t> skipped_;   // inodes logged without a name: they would be deleted anyway
  std::set<uint64_t> relinked_;  // inodes whose names must be counted
  std::set<uint64_t> resized_;   // directories whose names changed
};

}  // namespace butterfuse
