// SPDX-License-Identifier: GPL-2.0-or-later
// DelallocSpace: the promises of space that stand behind one file's delalloc bytes, exact to the byte.
#pragma once

#include "core/alloc/allocator.h"
#include "core/base/mutex.h"
#include "core/cache/page.h"
#include "core/delalloc/writeback_backend.h"
#include "core/extent/extent_state.h"

namespace butterfuse {

// Worst-case space of some dirty bytes: data uncompressed, and metadata for the extents they may become.
struct SpacePromise {
  Reservation data;
  Reservation metadata;
  bool in_place = false;  // the bytes have their space on disk already: no data is promised
};

// The way of a promise: promise() before bytes are copied in; commit() moves what newly delalloc bytes need
// into the file's own; take() takes it out again with the delalloc bits, when an ordered extent is made or
// pages are cancelled.
//
// Invariant: data promised == delalloc bytes, less those that will be written in place, which were taken when
// there was no data space to promise. Metadata covers one extent for every aligned unit that delalloc
// touches; cutting a range in two may leave it short of that, never over.
//
// Thread-safe; its mutex is taken inside page locks and before the extent state's and the allocator's.
class DelallocSpace {
 public:
  // `root`: the tree that the file is in.
  DelallocSpace(WritebackBackend& backend, ExtentState& extents, uint64_t root)
      : backend_(backend), extents_(extents), root_(root) {}

  // ENOSPC. `pages`: page-aligned; `extents`: how many they may become at worst.
  Result<SpacePromise> promise(ByteRange pages, uint64_t extents) const;
  // Metadata only, for pages that can all be written in place.
  Result<SpacePromise> promise_in_place(uint64_t extents) const;
  // Marks `pages` delalloc; those that were already need nothing and leave their part in `from`. (Here and in
  // take() memory that runs out ends the process, as promises and delalloc would no longer agree.)
  void commit(ByteRange pages, SpacePromise& from) noexcept;
  // Clears delalloc and returns the promises that stood behind it.
  SpacePromise take(ByteRange pages) noexcept;

  uint64_t data_bytes() const;
  uint64_t metadata_bytes() const;
  bool has_in_place() const;  // some of the bytes count on the extent they have staying theirs alone

 private:
  WritebackBackend& backend_;
  ExtentState& extents_;
  const uint64_t root_;
  mutable Mutex mutex_;
  void note_in_place(ByteRange pages) BF_REQUIRES(mutex_);
  SpacePromise held_ BF_GUARDED_BY(mutex_);
  RangeSet in_place_ BF_GUARDED_BY(mutex_){kPageBytes};  // delalloc without a promise of data
};

}  // namespace butterfuse
