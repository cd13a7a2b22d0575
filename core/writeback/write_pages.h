// Write pages: bytes copied into a file's pages, with the space for them promised first.
#pragma once

#include <memory>
#include <vector>

#include "core/writeback/file_state.h"

namespace butterfuse {

using DomainRef = std::shared_ptr<WritebackDomain>;

// Copies `pieces` to `offset`. Space for the worst case is promised before anything is copied: ENOSPC now or
// never; a short count when only part of it fitted. Pages under writeback are waited for. Raises the size.
// Takes one folio's page locks at a time. The caller excludes other writers and truncation of this file.
Result<size_t> write_pages(FileState& file, uint64_t offset, const std::vector<ByteSpan>& pieces,
                           const DomainRef& domain);

// See FileData::rewrite.
Status rewrite_pages(FileState& file, ByteRange range, const DomainRef& domain);

enum class ZeroWhen { not_zero_yet, always };
// Zeroes bytes inside one page and makes it dirty; `not_zero_yet`: only if they are not zero already.
Status zero_in_page(FileState& file, ByteRange bytes, ZeroWhen when, const DomainRef& domain);

// What to do before i_size moves from `old_size` to a byte behind its page: the rest of that page becomes
// zero, and the page dirty, so that an inline extent there gives way to a regular one.
Status zero_tail_of_old_end(FileState& file, uint64_t old_size, const DomainRef& domain);

}  // namespace butterfuse
