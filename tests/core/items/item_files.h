// SPDX-License-Identifier: GPL-2.0-or-later
// Making files by hand for tests of items: an inode, its name and its directory kept in step.
#pragma once

#include <sys/stat.h>

#include <string>

#include "core/items/dir_item.h"
#include "core/items/inode_item.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse {

inline InodeItem new_inode(uint64_t transid, uint32_t mode, uint32_t nlink) {
  InodeItem inode;
  inode.generation = inode.transid = transid;
  inode.mode = mode;
  inode.nlink = nlink;
  inode.atime = inode.ctime = inode.mtime = inode.otime = {1'700'000'000, 1};
  return inode;
}

// The root directory's size counts each name twice.
inline void add_to_root_size(Tree& tree, TransactionHandle& handle, int64_t bytes) {
  InodeItem root = must(read_inode_item(tree, objectid::kFirstFree));
  root.size += static_cast<uint64_t>(bytes);
  root.transid = handle.transid();
  must(write_inode_item(tree, handle, objectid::kFirstFree, root));
}

// One name of `ino` in the root directory: entry, back reference and the directory's size.
inline void add_name(Tree& tree, TransactionHandle& handle, uint64_t ino, const std::string& name,
                     uint64_t index) {
  DirEntry entry;
  entry.name = name;
  entry.location = {ino, key_type::kInodeItem, 0};
  entry.type = file_type::kRegular;
  entry.index = index;
  must(insert_dir_entry(tree, handle, objectid::kFirstFree, entry));
  must(insert_inode_ref(tree, handle, ino, {objectid::kFirstFree, index, name}, true));
  add_to_root_size(tree, handle, 2 * static_cast<int64_t>(name.size()));
}

inline void remove_name(Tree& tree, TransactionHandle& handle, uint64_t ino, const std::string& name) {
  const uint64_t index = must(remove_inode_ref(tree, handle, ino, objectid::kFirstFree, name));
  must(remove_dir_entry(tree, handle, objectid::kFirstFree, name, index));
  add_to_root_size(tree, handle, -2 * static_cast<int64_t>(name.size()));
}

}  // namespace butterfuse
