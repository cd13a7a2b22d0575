// SPDX-License-Identifier: GPL-2.0-or-later
// cow_file_range: allocation and hand-over of uncompressed extents.
#include "core/writeback/cow_file_range.h"

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/writeback/write_extent.h"

namespace butterfuse {
namespace {

// The bytes of a small file, if they may be stored uncompressed in their item.
std::optional<InlineData> plain_inline_data(const FileState& file, const LockedPages& pages) {
  const uint64_t size = file.size.in_memory();
  const uint64_t limit =
      std::min<uint64_t>(file.pipeline.options.max_inline, file.pipeline.backend.max_inline_bytes());
  if (!is_small_whole_file(file, pages) || size >= kSectorBytes || size > limit) return std::nullopt;
  const MutableByteSpan bytes = pages.contiguous_bytes({0, size});
  return InlineData{size, 0, {bytes.begin(), bytes.end()}};
}

}  // namespace

bool is_small_whole_file(const FileState& file, const LockedPages& pages) {
  const uint64_t size = file.size.in_memory();
  // Behind a preallocated file's size there may be extents, and inline data suffers none beside it.
  return size > 0 && size <= kSectorBytes && pages.hull() == PageRange{0, 1} && !file.owner.has_prealloc();
}

CowGroupRef make_group(FileState& file, const CowExtentRef& extent) {
  auto group = std::make_shared<CowGroup>();
  group->file = &file;
  group->hold = FileState::Hold(file);
  group->extents.push_back(extent);
  return group;
}

void hand_over(FileState& file, const CowExtentRef& extent, LockedPages pages) {
  BF_ASSERT(pages.contiguous() && pages.byte_hull() == extent->file(),
            "pages [{}, {}) handed to extent [{}, {})", pages.byte_hull().start, pages.byte_hull().end,
            extent->file().start, extent->file().end);
  ++file.pipeline.stats.ordered_extents;
  file.ordered.add(extent);  // before delalloc ends: whoever waits for the range must find one of them
  extent->metadata = file.space.take(extent->file()).metadata;
  extent->pages = std::move(pages).start_writeback();
}

void abandon_pages(FileState& file, LockedPages pages, const Error* error) {
  if (pages.empty()) return;
  const ByteRange range = pages.byte_hull();
  const SpacePromise returned = file.space.take(range);
  file.pipeline.stats.cancelled_pages += pages.clear_dirty();
  pages.clear_uptodate();
  file.size.settle(range);
  if (error) {
    log(LogLevel::error, "inode {}: bytes [{}, {}) can't be written: {}", file.owner.ino(), range.start,
        range.end, error->message);
    file.record_error(*error);
  }
}

CowGroupRef cow_file_inline(FileState& file, LockedPages pages, InlineData data) {
  auto extent = std::make_shared<CowExtent>(pages.byte_hull());
  extent->inline_data = std::move(data);
  hand_over(file, extent, std::move(pages));
  return make_group(file, extent);
}

void cow_file_range(FileState& file, LockedPages pages, ExtentRangeLock range_lock) {
  if (auto data = plain_inline_data(file, pages)) {
    write_inline(cow_file_inline(file, std::move(pages), std::move(*data)));
    return;
  }
  while (!pages.empty()) {
    const ByteRange left = pages.byte_hull();
    if (left.start >= file.page_end()) return abandon_pages(file, std::move(pages), nullptr);
    const Result<ByteRange> disk = file.pipeline.backend.alloc_extent(
        std::min(left.length(), kMaxExtentBytes), kSectorBytes, file.alloc_hint);
    if (!disk) return abandon_pages(file, std::move(pages), &disk.error());
    file.alloc_hint = disk->end;
    auto extent = std::make_shared<CowExtent>(ByteRange::at(left.start, disk->length()));
    extent->disk = *disk;
    hand_over(file, extent, pages.take_front(extent->file().end / kPageBytes));
    // The ordered extent stands for the range from here on.
    const ExtentRangeLock done = range_lock.take_front(extent->file().end);
    write_uncompressed(make_group(file, extent));
  }
}

}  // namespace butterfuse
