// SPDX-License-Identifier: GPL-2.0-or-later
// Page fill: pages of a file read from its extents on disk.
#pragma once

#include "core/delalloc/file_state.h"

namespace butterfuse {

// The content of `run` (contiguous pages the caller has locked) into `memory`; bytes behind i_size are zero.
Status read_page_run(FileState& file, PageRange run, MutableByteSpan memory);

// Reads locked pages that are not uptodate and makes them so. EIO/EUCLEAN: none of them is, then. Page locks
// stay as they were. A page lock is what protects the read: nobody drops the extent under a locked page
// (truncation and writeback of that page need the lock), and i_size is looked at only after the lock is had.
Status fill_locked_pages(FileState& file, LockedPages& pages);

// Makes every page of `pages` (inside one folio) uptodate, and with them the rest of a compressed extent they
// are in, where nobody else has those pages. `try_only`: leaves pages that others have locked.
Status fill_pages(FileState& file, PageRange pages, LockMode mode);

}  // namespace butterfuse
