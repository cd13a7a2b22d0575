// SPDX-License-Identifier: GPL-2.0-or-later
// run_delalloc_nocow: delalloc pages written over the extents they have.
#include "core/base/log.h"
#include "core/writeback/cow_file_range.h"
#include "core/writeback/write_extent.h"

namespace butterfuse {
namespace {

std::vector<InPlaceRange> in_place_ranges(FileState& file, ByteRange range) {
  auto ranges = file.pipeline.backend.in_place_ranges(file.owner, range);
  if (ranges) return std::move(*ranges);
  log(LogLevel::warning, "inode {}: bytes [{}, {}) are written copy-on-write: {}", file.owner.ino(),
      range.start, range.end, ranges.error().message);
  return {};
}

void write_in_place(FileState& file, LockedPages pages, const InPlaceRange& place) {
  auto extent = std::make_shared<CowExtent>(place.file);
  extent->disk = place.disk;
  extent->in_place = place;
  hand_over(file, extent, std::move(pages));
  write_uncompressed(make_group(file, extent));
}

}  // namespace

//   pages     [------------------------------)
//   in place      [----------)    [------)
//             cow             cow         cow
void run_delalloc_nocow(FileState& file, LockedPages pages, ExtentRangeLock range_lock) {
  for (const InPlaceRange& place : in_place_ranges(file, pages.byte_hull())) {
    if (place.file.start >= file.page_end()) break;
    if (place.file.start > pages.byte_hull().start) {
      cow_file_range(file, pages.take_front(place.file.start / kPageBytes),
                     range_lock.take_front(place.file.start));
    }
    if (place.file.end == pages.byte_hull().end) {
      const ExtentRangeLock done = std::move(range_lock);
      write_in_place(file, std::move(pages), place);
      return;
    }
    const ExtentRangeLock done = range_lock.take_front(place.file.end);
    write_in_place(file, pages.take_front(place.file.end / kPageBytes), place);
  }
  cow_file_range(file, std::move(pages), std::move(range_lock));
}

}  // namespace butterfuse
