// SPDX-License-Identifier: GPL-2.0-or-later
// InodeItem: the attributes of one inode in native form, and its item in a subvolume tree.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/btree/cursor.h"
#include "core/ondisk/format.h"

namespace butterfuse {

struct Timespec {
  int64_t sec = 0;
  uint32_t nsec = 0;
  friend auto operator<=>(const Timespec&, const Timespec&) = default;
};

struct InodeItem {
  uint64_t generation = 0;  // transid of its birth
  uint64_t transid = 0;     // of the last change
  uint64_t size = 0;        // bytes; directories: sum of 2 * name length
  uint64_t nbytes = 0;      // file bytes that extents on disk cover (PREALLOC too), or the inline ram_bytes
  uint32_t nlink = 1;
  uint32_t uid = 0, gid = 0;
  uint32_t mode = 0;   // with the type bits
  uint64_t rdev = 0;   // as btrfs stores it: the kernel's own dev_t, major << 20 | minor
  uint64_t flags = 0;  // inode_flag::
  uint64_t sequence = 0;
  Timespec atime, ctime, mtime, otime;

  static InodeItem decode(const DiskInodeItem& disk);
  DiskInodeItem encode() const;
};

// ENOENT when there is none.
Result<InodeItem> read_inode_item(Tree& tree, uint64_t ino);
// Inserts or overwrites. `item.generation` of the running transaction says that it is probably new: a hint,
// right in either case.
Status write_inode_item(Tree& tree, CowContext& context, uint64_t ino, const InodeItem& item);
Status remove_inode_item(Tree& tree, CowContext& context, uint64_t ino);
// The highest inode number in use (>= kFirstFree - 1).
Result<uint64_t> highest_ino(Tree& tree);

Status insert_orphan(Tree& tree, CowContext& context, uint64_t ino);
Status remove_orphan(Tree& tree, CowContext& context, uint64_t ino);
Result<std::vector<uint64_t>> list_orphans(Tree& tree);

}  // namespace butterfuse
