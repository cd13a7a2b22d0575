// SPDX-License-Identifier: GPL-2.0-or-later
// LoggedSpace: the space that a log tree from before this mount uses without extent items.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "core/transaction/filesystem.h"

namespace butterfuse {

// For the allocator all of it is free, yet nothing may be put there before the replay is on disk: its blocks
// are the log, its fresh extents hold the files' data. So all is reserved first.
//
// Invariant: what is in blocks_ and fresh_ is `reserved` in the allocator and belongs to this object. Memory
// is proportional to the log.
class LoggedSpace {
 public:
  explicit LoggedSpace(Filesystem& filesystem) : filesystem_(filesystem) {}
  LoggedSpace(const LoggedSpace&) = delete;

  // Walks a log tree: reserves its blocks and the data extents that its EXTENT_DATA items name and the extent
  // tree does not know. EUCLEAN when anything of it is in use otherwise.
  Status reserve(Tree& log);
  uint64_t items() const { return items_; }  // seen so far, of all trees

  // Whether the extent has no extent item yet: then the caller must queue one, and owns the space. EUCLEAN:
  // no item that reserve() saw names this extent.
  Result<bool> take_fresh(ByteRange extent);
  // Gives back what was not taken. REQUIRES that no superblock names the log any more.
  void release();

 private:
  Status reserve_block(const TreeBlock& block);
  Status reserve_extent(const Key& key, ByteSpan item);
  Result<bool> has_extent_item(ByteRange extent);

  Filesystem& filesystem_;
  std::set<uint64_t> blocks_;
  std::map<uint64_t, uint64_t> fresh_;     // start -> length, not taken yet
  std::map<uint64_t, uint64_t> existing_;  // with an extent item, or taken
  uint64_t items_ = 0;
};

}  // namespace butterfuse
