// SPDX-License-Identifier: GPL-2.0-or-later
// cow_file_range: how locked delalloc pages get space and become ordered extents; or are given up.
#pragma once

#include "core/writeback/cow_extent.h"

namespace butterfuse {

// Page locks on exit, here and below: none. Pages that got an ordered extent are under writeback, which ends
// with it; the others are abandoned.

// Gives `pages` (contiguous, dirty, delalloc) uncompressed extents, in one piece where there is room, in
// fragments where not, and starts writing them. A small whole file becomes an inline extent.
void cow_file_range(FileState& file, LockedPages pages, ExtentRangeLock range_lock);

// run_delalloc_nocow: as cow_file_range, but what may be written where it lies (nodatacow files,
// preallocated extents) is.
void run_delalloc_nocow(FileState& file, LockedPages pages, ExtentRangeLock range_lock);

// The whole file is in `pages` and ends in its first sector: what an inline extent asks of it.
bool is_small_whole_file(const FileState& file, const LockedPages& pages);
// The ordered extent that stores `data` inline in place of `pages`;
// the caller sees to it that it is finished.
CowGroupRef cow_file_inline(FileState& file, LockedPages pages, InlineData data);

// A group of this one extent.
CowGroupRef make_group(FileState& file, const CowExtentRef& extent);

// Makes `pages` the ordered extent's: registers it, takes the promises behind the pages, starts their
// writeback. The data promise is given back: the allocator counts the allocated extent itself.
void hand_over(FileState& file, const CowExtentRef& extent, LockedPages pages);

// Pages that will not be written: promises, dirty state, delalloc and locks end here, each once, and the
// cached bytes are forgotten. `error`: recorded for fsync; null: the range was truncated away.
void abandon_pages(FileState& file, LockedPages pages, const Error* error);

}  // namespace butterfuse
