// SPDX-License-Identifier: GPL-2.0-or-later
// Page fill: one read per unbroken run of missing pages.
#include "core/file_data/page_fill.h"

#include <cstring>

namespace butterfuse {
namespace {

// The other pages of the compressed extent that `pages` begin in: reading it decodes them anyway.
void add_compressed_extent(FileState& file, LockedPages& pages) {
  const ByteRange limit{0, file.page_end()};
  const uint64_t position = pages.byte_hull().start;
  if (position >= limit.end) return;
  const Result<ByteRange> extent = file.pipeline.backend.compressed_range(file.owner, position, limit);
  if (!extent || extent->empty()) return;  // an error will show again when the page itself is read
  const PageRange wanted = pages_touching(*extent);
  for (uint64_t folio = folio_of(wanted.first); folio * kPagesPerFolio < wanted.end; ++folio) {
    const PageRange part{std::max(wanted.first, folio * kPagesPerFolio),
                         std::min(wanted.end, (folio + 1) * kPagesPerFolio)};
    pages.add(file.mapping->lock_missing(part, LockMode::try_only));
  }
}

// Pages that cost little more when they are read together with `pages`.
void add_neighbours(FileState& file, LockedPages& pages) {
  const uint64_t end = file.page_end();
  if (end > kFolioBytes) return add_compressed_extent(file, pages);
  // A small file is read as a whole, without asking how it is stored.
  pages.add(file.mapping->lock_missing({0, end / kPageBytes}, LockMode::try_only));
}

}  // namespace

Status read_page_run(FileState& file, PageRange run, MutableByteSpan memory) {
  const ByteRange bytes = bytes_of(run);
  const uint64_t size = file.size.in_memory();
  const uint64_t valid_end = std::min(bytes.end, std::max(bytes.start, round_up(size, kPageBytes)));
  const MutableByteSpan on_disk = memory.first(valid_end - bytes.start);
  if (!on_disk.empty()) BF_TRY(file.pipeline.backend.read(file.owner, {bytes.start, valid_end}, on_disk));
  const uint64_t zero_from = std::min(bytes.end, std::max(bytes.start, size));
  std::memset(memory.data() + (zero_from - bytes.start), 0, bytes.end - zero_from);
  file.pipeline.stats.pages_read += on_disk.size() / kPageBytes;
  return {};
}

Status fill_locked_pages(FileState& file, LockedPages& pages) {
  Status status;
  pages.for_each_run([&](PageRange run, MutableByteSpan memory) {
    if (status) status = read_page_run(file, run, memory);
  });
  BF_TRY(status);
  pages.set_uptodate();
  return {};
}

Status fill_pages(FileState& file, PageRange pages, LockMode mode) {
  LockedPages missing = file.mapping->lock_missing(pages, mode);
  if (missing.empty()) return {};
  if (missing.byte_hull().start >= file.page_end()) return {};  // truncated meanwhile
  const uint64_t wanted = missing.count();
  add_neighbours(file, missing);
  Status status = fill_locked_pages(file, missing);
  if (status || missing.count() == wanted) return status;
  missing.unlock();  // a bad neighbour is no reason to fail
  missing = file.mapping->lock_missing(pages, mode);
  return fill_locked_pages(file, missing);
}

}  // namespace butterfuse
