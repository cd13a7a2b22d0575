// SPDX-License-Identifier: GPL-2.0-or-later
// InodeRecord: what the items of one inode say together, and its judgement.
#pragma once

#include <functional>
#include <string>

#include "core/check/check_state.h"

namespace butterfuse::check {

// Is told each finding, without the subvolume it is in.
using Tell = std::function<void(const std::string& finding)>;

// What is judged of an inode item. There is one for each inode of the subvolume at a time, so that a
// few bytes count.
struct JudgedInode {
  uint64_t size = 0, nbytes = 0, flags = 0;
  uint32_t mode = 0, nlink = 0;
};

// Filled in the order of keys: the item comes first, and extents in the order of the file. A record may be
// made of the first items of an inode, another of the rest, and the two joined.
struct InodeRecord {
  JudgedInode item;
  uint64_t refs = 0;                  // names counted in its back references
  uint64_t dir_bytes = 0;             // name bytes of its entries, in DIR_ITEMs and DIR_INDEXes
  uint64_t extent_bytes = 0;          // what nbytes has to be
  uint64_t extent_start = 0;          // where the first extent begins
  uint64_t extent_end = 0;            // where the last extent ended
  uint64_t first_gap = ~uint64_t{0};  // where the first one between extents begins
  bool has_item = false;
  bool orphan = false;
  bool has_extents = false, has_entries = false;
  bool has_csums = false;  // of data that should have none
  bool has_unsummed_compressed = false;
  // Of extents that came before the item was known: what they are found guilty of depends on its flags.
  bool unjudged_summed = false, unjudged_unsummed = false, unjudged_compressed = false;

  // Removed, and waiting for its deletion: of a directory whatever names are left will go with it.
  bool is_removed() const { return has_item && orphan && item.nlink == 0; }
  void add_item(const DiskInodeItem& inode);
  // `with_csums`: false in the tree that balance moves data in, whose files have none.
  void add_extent(const CheckState& state, const Key& key, ByteSpan data, bool with_csums, const Tell& tell);
  // `rest` is of the items behind those of this one. False: together they are wrong.
  [[nodiscard]] bool join(const InodeRecord& rest);
  // When all items were added.
  void judge(const CheckState& state, uint64_t ino, const Tell& tell) const;

 private:
  void check_summed(const CheckState& state, const Key& key, const DiskFileExtent& extent, const Tell& tell);
};

}  // namespace butterfuse::check
