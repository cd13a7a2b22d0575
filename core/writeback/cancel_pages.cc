// Cancelling pages: page by page under its lock, then waiting for the ordered extents.
#include "core/writeback/cancel_pages.h"

#include <cstring>

namespace butterfuse {
namespace {

// Drops whole pages, dirty or not, with the promises behind them.
void cancel_pages(FileState& file, PageRange pages) {
  for (;;) {
    LockedPages locked = file.mapping->lock_existing(pages);
    if (locked.empty()) return;
    const SpacePromise returned = file.space.take(locked.byte_hull());
    file.pipeline.stats.cancelled_pages += locked.clear_dirty();
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
  const Status zeroed = zero_in_page(file, tail, ZeroWhen::not_zero_yet, domain);
  if (!zeroed && zeroed.error().code != ENOSPC) return zeroed;
  if (!zeroed) zero_tail_without_space(file, tail);
  file.size = new_size;  // from here chunks in the pipeline cancel what lies behind
  const ByteRange gone{first_gone, ~uint64_t{0}};
  file.ordered.kill(gone);
  cancel_pages(file, {first_gone / kPageBytes, ~uint64_t{0} / kPageBytes});
  file.ordered.wait(gone);
  return {};
}

}  // namespace

Status truncate_pages(FileState& file, uint64_t new_size, const DomainRef& domain) {
  file.wait_background(FileState::Background::readahead);
  const uint64_t old_size = file.size;
  if (new_size < old_size) return shrink(file, new_size, domain);
  if (new_size > old_size) {
    if (old_size % kPageBytes != 0) BF_TRY(zero_tail_of_old_end(file, old_size, domain));
    file.size = new_size;
  }
  return {};
}

//      page   |----|----|----|----|
//     range     [------------)
//               edge whole   edge        edges are zeroed and dirty, whole pages dropped
Status zero_range_pages(FileState& file, ByteRange range, const DomainRef& domain) {
  file.wait_background(FileState::Background::readahead);
  if (range.empty()) return {};
  const ByteRange whole{round_up(range.start, kPageBytes), round_down(range.end, kPageBytes)};
  if (whole.end < whole.start)
    return zero_in_page(file, range, ZeroWhen::not_zero_yet, domain);  // inside one page
  const ByteRange existing{0, file.size};
  const ByteRange head = ByteRange{range.start, whole.start}.intersection(existing);
  const ByteRange tail = ByteRange{whole.end, range.end}.intersection(existing);
  BF_TRY(zero_in_page(file, head, ZeroWhen::not_zero_yet, domain));
  BF_TRY(zero_in_page(file, tail, ZeroWhen::not_zero_yet, domain));
  if (whole.empty()) return {};
  cancel_pages(file, pages_touching(whole));
  file.ordered.wait(whole);
  return {};
}

void invalidate_pages(FileState& file) {
  const ByteRange all{0, ~uint64_t{0}};
  file.wait_background(FileState::Background::readahead);
  file.size = 0;
  file.ordered.kill(all);
  do {
    cancel_pages(file, {0, ~uint64_t{0} / kPageBytes});
    file.ordered.wait(all);
  } while (file.wait_background(FileState::Background::fixup));
}

}  // namespace butterfuse
