// SPDX-License-Identifier: GPL-2.0-or-later
// Writepages: finds dirty pages of a file and sends their delalloc ranges down the pipeline.
#pragma once

#include "core/delalloc/file_state.h"

namespace butterfuse {

struct WritebackControl {
  ByteRange range{0, ~uint64_t{0}};
  // Waits for page locks of others, so that every page dirty at the call is sent.
  // Else passes over locked pages.
  bool all = false;
  // Leaves the last, partly filled folio of a growing file for later: it would make a short extent.
  bool whole_folios = false;
};

// Runs on the caller's thread (flusher, fsync) up to the cut; workers do the rest. Finds a dirty page, locks
// it (the locked page), finds the delalloc range around it, locks the other pages and the range, and hands
// all of them on. Pages dirty without delalloc go to the fixup worker. Holds no lock on return.
//
// Here and in the workers memory that runs out ends the process: nobody could tell what was left half done.
// The image is then what a power cut leaves.
void writepages(FileState& file, const WritebackControl& control) noexcept;

// No extent of what is written back now is longer than this; from a multiple, none reaches over the next.
uint64_t extent_bytes_max(const FileState& file);

// Writes back what is dirty in `range` and waits until it is in the trees (of the running transaction).
void writepages_and_wait(FileState& file, ByteRange range) noexcept;

}  // namespace butterfuse
