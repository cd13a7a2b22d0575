// SPDX-License-Identifier: GPL-2.0-or-later
// AsyncChunk: up to 512 KiB of one file between the compress and submit stages; AsyncExtent: a piece of it.
#pragma once

#include <vector>

#include "core/cache/locked_pages.h"
#include "core/delalloc/file_state.h"
#include "core/extent/extent_state.h"

namespace butterfuse {

// What the compress stage decided for one piece.
struct AsyncExtent {
  ByteRange file;
  uint8_t compression = 0;       // 0: to be written as it is
  FolioBuffer stored;            // compressed bytes, zero-padded to stored_bytes
  uint64_t stored_bytes = 0;     // whole sectors
  std::vector<std::byte> csums;  // of the stored sectors
};

// Owns its pages by value: the locked page that writepages started from is in exactly one chunk, and a chunk
// can name no other page. What it hands on (to an ordered extent, or back unlocked) it no longer has.
struct AsyncChunk {
  FileState* file = nullptr;
  FileState::Hold hold;
  InFlightLimit::Slot slot;
  CompressChoice choice;
  LockedPages pages;                 // contiguous; empty once all are handed on
  ExtentRangeLock range_lock;        // of the same bytes
  std::vector<AsyncExtent> extents;  // in file order, covering the pages; set by the compress stage
};

// cow_file_range_async: cuts `pages` (contiguous, dirty, delalloc) at multiples of 512 KiB of the file into
// chunks and queues them. Waits for a free slot of the in-flight limit for each.
void cow_file_range_async(FileState& file, LockedPages pages, ExtentRangeLock range_lock,
                          const CompressChoice& choice);

// The parallel stage: fills chunk.extents; or stores a small whole file inline and leaves the chunk empty.
void compress_file_range(AsyncChunk& chunk);

// The ordered stage: space for each async extent, and its pages handed over. Leaves the chunk empty.
void submit_compressed_extents(AsyncChunk& chunk);

}  // namespace butterfuse
