// SPDX-License-Identifier: GPL-2.0-or-later
// Writepages: the delalloc runner.
#include "core/writeback/writepages.h"

#include <algorithm>
#include <optional>

#include "core/writeback/async_chunk.h"
#include "core/writeback/cow_file_range.h"
#include "core/writeback/fixup.h"

namespace butterfuse {
namespace {

constexpr uint64_t kAwaitedPagesMax = (1u << 20) / kPageBytes;
constexpr size_t kAwaitedExtentsMax = 16;  // on their way: with more of them the file is a stream

// A file that is written anew may have dirty bytes for which there is no space but the one they have. To be
// asked with the pages locked: before, some may still get dirty that way.
bool may_write_in_place(const FileState& file) {
  if (file.owner.is_rewritten() && !file.space.has_in_place()) return false;
  return file.owner.nodatacow() || file.owner.has_prealloc();
}

// Compression needs copy-on-write and checksums, as in btrfs; and promises counted in its small extents.
bool wants_compression(const FileState& file, const CompressChoice& choice) {
  return choice.type != 0 && !may_write_in_place(file) && !file.owner.nodatasum();
}

void run_delalloc_range(FileState& file, LockedPages pages, ExtentRangeLock range_lock) {
  ++file.pipeline.stats.batches;
  if (may_write_in_place(file)) return run_delalloc_nocow(file, std::move(pages), std::move(range_lock));
  const CompressChoice choice = file.owner.compress_choice();
  const bool one_page = pages.count() == 1 && !is_small_whole_file(file, pages);
  if (wants_compression(file, choice) && !one_page) {
    cow_file_range_async(file, std::move(pages), std::move(range_lock), choice);
  } else {
    cow_file_range(file, std::move(pages), std::move(range_lock));
  }
}

uint64_t batch_bytes(const FileState& file) {
  return wants_compression(file, file.owner.compress_choice()) ? kCompressBatchBytes : kPlainBatchBytes;
}

//         delalloc    [------------------------------------------)
//   the locked page              [p)
//    what is locked        [<<<<<[p)>>>>>>>>>>>>>>)
// Backwards to the begin of the chunk, forwards to a batch's length from there, as far as pages are dirty and
// locked by nobody else.
LockedPages lock_delalloc_around(FileState& file, LockedPage locked_page, ByteRange delalloc,
                                 uint64_t limit) {
  const PageIndex at = locked_page.index();
  const uint64_t offset = at * kPageBytes;
  LockedPages pages = std::move(locked_page).into_pages();
  const uint64_t end = std::min({delalloc.end, limit, round_down(offset, kChunkBytes) + batch_bytes(file)});
  file.mapping->extend_dirty_forward(pages, end / kPageBytes);
  const uint64_t first = std::max(delalloc.start, round_down(offset, kChunkBytes));
  file.mapping->extend_dirty_backward(pages, first / kPageBytes);
  return pages;
}

}  // namespace

uint64_t extent_bytes_max(const FileState& file) {
  return wants_compression(file, file.owner.compress_choice()) ? kPieceBytes : kPlainBatchBytes;
}

void writepages(FileState& file, const WritebackControl& control) noexcept {
  const LockMode mode = control.all ? LockMode::wait : LockMode::try_only;
  PageRange todo = pages_touching(control.range);
  uint64_t limit = ~uint64_t{0} / kFolioBytes * kFolioBytes;
  if (control.whole_folios) limit = round_down(file.size.in_memory(), kFolioBytes);
  todo.end = std::min(todo.end, limit / kPageBytes);
  while (!todo.empty()) {
    std::optional<LockedPage> locked_page = file.mapping->lock_next_dirty(todo, mode);
    if (!locked_page) return;
    const PageIndex at = locked_page->index();
    const ByteRange delalloc = file.extents.delalloc_around(at * kPageBytes);
    if (delalloc.empty()) {
      todo.first = at + 1;
      queue_fixup(file, std::move(*locked_page));
      continue;
    }
    LockedPages pages = lock_delalloc_around(file, std::move(*locked_page), delalloc, limit);
    todo.first = pages.hull().end;
    ExtentRangeLock range_lock = file.extents.lock(pages.byte_hull());
    run_delalloc_range(file, std::move(pages), std::move(range_lock));
  }
}

// Large amounts stay in the background: they take their time anyhow, and would be in the way of small ones.
void writepages_and_wait(FileState& file, ByteRange range) noexcept {
  std::optional<FileState::Awaited> awaited;
  if (file.mapping->dirty_pages() <= kAwaitedPagesMax && file.ordered.count() <= kAwaitedExtentsMax)
    awaited.emplace(file);
  do {
    writepages(file, {.range = range, .all = true, .whole_folios = false});
    file.extents.wait_held(range);  // chunks cut and not submitted yet
    file.ordered.wait(range);
  } while (file.wait_background(FileState::Background::fixup));
}

}  // namespace butterfuse
