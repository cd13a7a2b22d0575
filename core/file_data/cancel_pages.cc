// SPDX-License-Identifier: GPL-2.0-or-later
// Cancelling pages: page by page under its lock, then waiting for the ordered extents.
#include "core/file_data/cancel_pages.h"

#include <cstring>

#include "core/base/assert.h"

namespace butterfuse {
namespace {

// Drops whole pages, dirty or not, with the promises behind them.
void cancel_pages(FileState& file, PageRange pages) {
  for (;;) {
    LockedPages locked = file.mapping->lock_existing(pages);
    if (locked.empty()) return;
    const SpacePromise returned = file.space.take(locked.byte_hull());
    file.pipeline.stats.cancelled_pages += locked.clear_dirty();
    file.size.settle(locked.byte_hull());
    std::move(locked).drop();
  }
}

// Without space for a new copy of the tail page: what is dirty has its promise, and what is not may be
// forgotten; the stale bytes on disk lie behind i_size and are zeroed again before it grows.
void zero_tail_without_space(FileState& file, ByteRange tail) {
  LockedPages locked = file.mapping->lock_existing(pages_touching(tail));
  if (locked.empty()) return;
  if (locked.all_dirty()) {
    std::memset(locked.contiguous_bytes(tail).data(), 0, tail.length());
    return;
  }
  std::move(locked).drop();
}

Status shrink(FileState& file, uint64_t new_size, const DomainRef& domain) {
  const uint64_t first_gone = round_up(new_size, kPageBytes);
  const ByteRange tail{new_size, first_gone};
  const Status zeroed = tail.empty() ? Status{} : zero_in_pages(file, {tail}, domain);
  if (!zeroed && zeroed.error().code != ENOSPC) return zeroed;
  if (!zeroed) zero_tail_without_space(file, tail);
  file.size.cut(new_size);  // from here chunks in the pipeline cancel what lies behind
  const ByteRange gone{first_gone, ~uint64_t{0}};
  file.ordered.kill(gone);
  cancel_pages(file, {first_gone / kPageBytes, ~uint64_t{0} / kPageBytes});
  file.ordered.wait(gone);
  return {};
}

}  // namespace

Status truncate_pages(FileState& file, uint64_t new_size, const DomainRef& domain) {
  file.wait_background(FileState::Background::readahead);
  BF_ASSERT(new_size <= file.size.in_memory(), "truncation to {} of a file of {} bytes", new_size,
            file.size.in_memory());
  return new_size < file.size.in_memory() ? shrink(file, new_size, domain) : Status{};
}

Status zero_old_end(FileState& file, const DomainRef& domain) {
  file.wait_background(FileState::Background::readahead);
  return zero_tail_of_old_end(file, domain);
}

//   pages   |----|----|----|----|
//   range     [--------------)
//             edge  whole  edge       edges inside the file are zeroed and dirty
Status zero_edges(FileState& file, ByteRange range, const DomainRef& domain) {
  file.wait_background(FileState::Background::readahead);
  if (range.empty()) return {};
  const uint64_t head_end = std::min(round_up(range.start, kPageBytes), range.end);
  const uint64_t tail_start = std::max(round_down(range.end, kPageBytes), head_end);
  std::vector<ByteRange> edges;
  for (const ByteRange edge : {ByteRange{range.start, head_end}, ByteRange{tail_start, range.end}}) {
    const ByteRange part = edge.intersection({0, file.size.in_memory()});
    if (!part.empty()) edges.push_back(part);
  }
  return zero_in_pages(file, edges, domain);
}

void drop_pages(FileState& file, ByteRange pages) {
  file.wait_background(FileState::Background::readahead);
  if (pages.empty()) return;
  cancel_pages(file, pages_touching(pages));
  file.ordered.wait(pages);
}

void invalidate_pages(FileState& file) {
  const ByteRange all{0, ~uint64_t{0}};
  file.wait_background(FileState::Background::readahead);
  file.size.cut(0);
  file.ordered.kill(all);
  do {
    cancel_pages(file, {0, ~uint64_t{0} / kPageBytes});
    file.ordered.wait(all);
  } while (file.wait_background(FileState::Background::fixup));
}

}  // namespace butterfuse
