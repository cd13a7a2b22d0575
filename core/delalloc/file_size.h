// SPDX-License-Identifier: GPL-2.0-or-later
// FileSize: where a file ends, in memory and on disk: the size that a crash may see.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/base/mutex.h"
#include "core/extent/range_set.h"

namespace butterfuse {

// i_size moves with each write; the inode item may claim no more than what is there. Between is what is owed:
//
//     [ was in the file when last made dirty )[ appended: owed )[ appended, in the trees )
//                                             ^ on_disk()                                ^ in_memory()
//
// Only bytes that the file did not have when they were made dirty are owed. All others had a content that
// everybody could read, from an extent or a hole, and a crash may bring that back: however often they are
// made dirty again, they hold nothing down. What is owed is settled once its extent is in the trees, or when
// it is given up.
//
// Invariants, of which a transaction that writes the inode item relies on the first, and fsync on the second:
//   1. No owed byte lies below on_disk(): a crash shows old or new bytes, never the zeros of a hole, or what
//      a truncation left behind the end in the last block.
//   2. Once all that was dirty at some moment is settled, raise() reaches what in_memory() was at that moment
//      (or what it was truncated to since), whatever was made dirty meanwhile.
//   3. on_disk() <= in_memory(), but while a truncation cuts the items.
//
// Thread-safe; its mutex is a leaf.
class FileSize {
 public:
  explicit FileSize(uint64_t size) : in_memory_(size), on_disk_(size) {}

  uint64_t in_memory() const { return in_memory_; }  // i_size
  uint64_t on_disk() const { return on_disk_; }      // what an inode item written now may claim

  // `pages` are about to be dirty, and the file reaches at least to `end` then. Before their page locks end:
  // readers and writeback take what lies behind the size for truncated.
  void note_dirty(ByteRange pages, uint64_t end);
  // The extents of `pages` are in the trees of the running transaction, or will never be: the pages were
  // cancelled or failed. Before somebody else can make them dirty again.
  void settle(ByteRange pages);
  // The size on disk moves up to the first byte owed. REQUIRES a running transaction in which no item is
  // missing below in_memory(), or below what is returned before the item is written. Returns on_disk().
  uint64_t raise();
  // i_size becomes larger, by a hole or by extents that are in the trees.
  void extend(uint64_t size);
  // i_size becomes smaller: nothing behind it is owed any more.
  void cut(uint64_t size);
  // Items at or behind `end` are gone in the running transaction.
  void lower_on_disk(uint64_t end);

 private:
  Mutex mutex_;  // for changes; reads of one of the two need none
  std::atomic<uint64_t> in_memory_;
  std::atomic<uint64_t> on_disk_;
  RangeSet owed_ BF_GUARDED_BY(mutex_){kOwedUnit};

  static constexpr uint64_t kOwedUnit = 1u << 20;  // RangeSet counts in it; not used here
};

}  // namespace butterfuse
