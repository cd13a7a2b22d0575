// SPDX-License-Identifier: GPL-2.0-or-later
// Admission: whether space may be promised, and the chunk that makes it possible.
#pragma once

#include "core/alloc/chunk_maker.h"
#include "core/alloc/promises.h"

namespace butterfuse {

// Every promise of space goes through here: what is admitted is in the books (Promises) and has its space;
// what is not, is told ENOSPC and has changed nothing but perhaps made a chunk. Pinned space does not count.
//
// Under the mutex of AllocatorState.
class Admission {
 public:
  Admission(const BlockGroupTable& groups, Promises& promises, ChunkMaker& chunks, uint32_t nodesize)
      : groups_(groups), promises_(promises), chunks_(chunks), nodesize_(nodesize) {}

  // Data is backed by free space in block groups: chunks are made until it is, as device space may go to
  // metadata before the data is written.
  Status admit_data(uint64_t bytes);
  // Metadata is backed by device space as well: a chunk is made in time, by whoever takes blocks.
  Status admit_metadata(uint64_t bytes, uint64_t root);
  // For work that frees space. How many bytes were promised: less than asked for rather than none.
  Result<uint64_t> admit_freeing(uint64_t bytes, uint64_t root);

 private:
  const BlockGroupTable& groups_;
  Promises& promises_;
  ChunkMaker& chunks_;
  const uint32_t nodesize_;
};

}  // namespace butterfuse
