// SPDX-License-Identifier: GPL-2.0-or-later
// DirtyGroups: the block groups whose items the commit has to write, and how much waits for it.
#pragma once

#include <cstddef>
#include <set>

#include "core/alloc/block_group.h"
#include "core/base/result.h"

namespace butterfuse {

// A group is dirty when `used` or its free space differ from what its items say. Changes of the free space
// tree wait in the group's delta, so that an extent that comes and goes costs nothing.
//
// Under the mutex of AllocatorState.
class DirtyGroups {
 public:
  static constexpr size_t kMostWaiting = 1u << 16;  // bounds the memory of the deltas

  void mark(const BlockGroup& group) { starts_.insert(group.start()); }
  // Marks it, and has the change wait. EUCLEAN when a part of the range has the same change waiting.
  Status record(BlockGroup& group, ByteRange range, bool free) {
    mark(group);
    waiting_++;
    if (group.delta.record(range, free)) return {};
    return make_error(EUCLEAN, "extent [{}, {}) was {} twice", range.start, range.end,
                      free ? "freed" : "added");
  }
  bool too_many_wait() const { return waiting_ >= kMostWaiting; }
  // Those of groups that have their items are written now. (The others' are few, and not counted any more.)
  void note_written() { waiting_ = 0; }

  const std::set<uint64_t>& starts() const { return starts_; }
  void forget(uint64_t start) { starts_.erase(start); }

 private:
  std::set<uint64_t> starts_;
  size_t waiting_ = 0;  // changes since the last note_written
};

}  // namespace butterfuse
