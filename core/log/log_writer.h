// SPDX-License-Identifier: GPL-2.0-or-later
// LogWriter: copies items of a subvolume into its log tree, and takes back what is no longer true.
#pragma once

#include <set>
#include <vector>

#include "core/items/dir_item.h"
#include "core/items/inode_item.h"
#include "core/log/log_items.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

// Items are copied as a replay wants them (README.md). The caller sees to it that what is copied does not
// change meanwhile. After an error the log tree is unusable. Takes one tree lock at a time.
class LogWriter {
 public:
  LogWriter(Filesystem& filesystem, Tree& tree, Tree& log, CowContext& context)
      : filesystem_(filesystem), tree_(tree), log_(log), context_(context) {}

  Status put_inode(uint64_t ino, const InodeItem& item);
  // All references; all xattrs. What the log had besides goes. EFBIG as copy_extents.
  Status copy_refs(uint64_t ino);
  Status copy_xattrs(uint64_t ino);
  // Extents, explicit holes up to `size`, and checksums of what is new, for all items that touch `range`.
  // EFBIG when there are too many to be worth it; then nothing has changed.
  Status copy_extents(uint64_t ino, ByteRange range, uint64_t size);
  // The inode is as if it had never been logged. Of its log items only: the subvolume's stay.
  Status remove_inode(uint64_t ino);

  Status put_entry(uint64_t dir_ino, const DirEntry& entry);
  // The log does not have the entry any more; says nothing about the subvolume's.
  Status forget_entry(uint64_t dir_ino, uint64_t index);
  // The subvolume's entry of that index is gone.
  Status put_removal(uint64_t dir_ino, uint64_t index);

 private:
  Status copy_items(const Key& first, const Key& end);
  Status replace_items(const std::vector<LogItem>& old, const std::vector<LogItem>& wanted);
  Status put_item(const Key& key, ByteSpan bytes);
  Result<std::vector<LogItem>> items_of(Tree& tree, const Key& first, const Key& end);
  Result<std::vector<LogItem>> extents_in(Tree& tree, uint64_t ino, ByteRange range);
  void fill_holes(std::vector<LogItem>& extents, uint64_t ino, ByteRange range);
  Status copy_csums(const std::vector<LogItem>& extents, const std::vector<LogItem>& old);

  Filesystem& filesystem_;
  Tree& tree_;
  Tree& log_;
  CowContext& context_;
};

}  // namespace butterfuse
