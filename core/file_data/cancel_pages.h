// SPDX-License-Identifier: GPL-2.0-or-later
// Cancelling pages: what truncation, hole punching and unlink do to a file's pages.
#pragma once

#include "core/file_data/buffered_write.h"

namespace butterfuse {

// All below: the caller excludes reads, writes and each other; writeback runs beside them. Each dirty page is
// cancelled here or has been written, never both; what is in flight is waited for.

// See FileData::truncate_pages, zero_old_end, zero_edges, drop_pages and invalidate.
Status truncate_pages(FileState& file, uint64_t new_size, const DomainRef& domain);
Status zero_old_end(FileState& file, const DomainRef& domain);
Status zero_edges(FileState& file, ByteRange range, const DomainRef& domain);
void drop_pages(FileState& file, ByteRange pages);
void invalidate_pages(FileState& file);

}  // namespace butterfuse
