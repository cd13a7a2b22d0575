// SPDX-License-Identifier: GPL-2.0-or-later
// The last stage: link counts, orphans, and sizes of directories.
// Stages before only note which inodes are concerned: a name that one item takes away another may bring back
// under a new directory, and only at the end it is known which inodes are left without one.
#include <sys/stat.h>

#include "core/log/subvolume_replay.h"

namespace butterfuse {

// Emptying a directory that lost its name takes names from more inodes: the set grows while it is worked off.
Status SubvolumeReplay::settle_links() {
  while (!relinked_.empty()) {
    const uint64_t ino = relinked_.extract(relinked_.begin()).value();
    BF_TRY(settle_inode(ino));
  }
  for (uint64_t dir_ino : resized_) BF_TRY(settle_directory_size(dir_ino));
  return {};
}

Status SubvolumeReplay::settle_inode(uint64_t ino) {
  BF_ASSIGN(const auto found, find_inode(ino));
  if (!found) return make_error(EUCLEAN, "inode {} has an entry and does not exist", ino);
  InodeItem item = *found;
  BF_ASSIGN(const std::vector<InodeRef> refs, list_inode_refs(tree_, ino));
  item.nlink = static_cast<uint32_t>(refs.size());
  if (S_ISDIR(item.mode) && item.nlink > 1)
    return make_error(EUCLEAN, "directory {} has {} names", ino, refs.size());
  BF_TRY(write_inode_item(tree_, handle_, ino, item));
  if (item.nlink > 0) return {};
  if (S_ISDIR(item.mode)) BF_TRY(empty_directory(ino));
  return insert_orphan(tree_, handle_, ino);
}

Status SubvolumeReplay::empty_directory(uint64_t dir_ino) {
  std::vector<DirEntry> entries;
  BF_TRY(for_each_dir_entry(tree_, dir_ino, 0, [&](const DirEntry& entry) {
    entries.push_back(entry);
    return true;
  }));
  for (const DirEntry& entry : entries) {
    if (entry.location.type != key_type::kInodeItem)
      return make_error(EUCLEAN, "directory {} goes, and holds subvolume {}", dir_ino,
                        entry.location.objectid);
    BF_TRY(remove_name(dir_ino, entry.name, entry.location.objectid));
  }
  return {};
}

// btrfs counts each name twice: for its DIR_ITEM and its DIR_INDEX.
Status SubvolumeReplay::settle_directory_size(uint64_t dir_ino) {
  BF_ASSIGN(InodeItem item, read_inode_item(tree_, dir_ino));
  item.size = 0;
  BF_TRY(for_each_dir_entry(tree_, dir_ino, 0, [&](const DirEntry& entry) {
    item.size += 2 * entry.name.size();
    return true;
  }));
  return write_inode_item(tree_, handle_, dir_ino, item);
}

}  // namespace butterfuse
