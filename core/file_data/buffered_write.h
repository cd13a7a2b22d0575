// SPDX-License-Identifier: GPL-2.0-or-later
// Buffered write: bytes copied into a file's pages, with the space for them promised first.
#pragma once

#include <memory>
#include <vector>

#include "core/delalloc/file_state.h"
#include "core/file_data/how_much.h"

namespace butterfuse {

using DomainRef = std::shared_ptr<WritebackDomain>;

// Copies `pieces` to `offset`. Space for the worst case is promised before anything is copied: ENOSPC now or
// never; a short count when only part of it fitted, unless all of it is wanted. Pages under writeback are
// waited for. Raises the size. Takes one folio's page locks at a time. The caller excludes other writers and
// truncation of this file.
Result<size_t> buffered_write(FileState& file, uint64_t offset, const std::vector<ByteSpan>& pieces,
                              const DomainRef& domain, HowMuch how_much);

// See FileData::rewrite.
Status rewrite_pages(FileState& file, ByteRange range, const DomainRef& domain);

// Zeroes the bytes of each range, which lies inside one page, and makes the page dirty, unless they are zero
// already. Their pages are read and their space is promised before any of them changes. ENOSPC, EIO.
Status zero_in_pages(FileState& file, const std::vector<ByteRange>& ranges, const DomainRef& domain);

// What to do before i_size moves to a byte behind its page: the rest of that page becomes zero, and the page
// dirty, so that an inline extent there gives way to a regular one. On disk, what was truncated may be there.
Status zero_tail_of_old_end(FileState& file, const DomainRef& domain);

}  // namespace butterfuse
