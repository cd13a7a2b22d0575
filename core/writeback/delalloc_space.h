// DelallocSpace: the promises of space that stand behind one file's delalloc bytes, exact to the byte.
#pragma once

#include "core/alloc/allocator.h"
#include "core/base/mutex.h"
#include "core/extent/extent_state.h"
#include "core/writeback/writeback_backend.h"

namespace butterfuse {

// Worst-case space of some dirty bytes: their data uncompressed, and metadata for the extents they may
// become.
struct SpacePromise {
  Reservation data;
  Reservation metadata;
};

// The way of a promise: promise() before bytes are copied in; commit() moves what newly delalloc bytes need
// into the file's own; take() takes it out again with the delalloc bits, when an ordered extent is made or
// pages are cancelled. Invariant: data promised == delalloc bytes. Metadata covers one extent for every
// aligned unit that delalloc touches; cutting a range in two may leave it short of that, never over.
// Thread-safe; its mutex is taken inside page locks and before the extent state's and the allocator's.
class DelallocSpace {
 public:
  DelallocSpace(WritebackBackend& backend, ExtentState& extents) : backend_(backend), extents_(extents) {}

  // ENOSPC. `pages`: page-aligned; `extents`: how many they may become at worst.
  Result<SpacePromise> promise(ByteRange pages, uint64_t extents) const;
  // Marks `pages` delalloc; those that were already need nothing and leave their part in `from`.
  void commit(ByteRange pages, SpacePromise& from);
  // Clears delalloc and returns the promises that stood behind it.
  SpacePromise take(ByteRange pages);

  uint64_t data_bytes() const;
  uint64_t metadata_bytes() const;

 private:
  WritebackBackend& backend_;
  ExtentState& extents_;
  mutable Mutex mutex_;
  SpacePromise held_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
