// SPDX-License-Identifier: GPL-2.0-or-later
// cow_file_range_async: cuts a delalloc range into async chunks.
#include <memory>

#include "core/writeback/async_chunk.h"

namespace butterfuse {
namespace {

void queue_chunk(Pipeline& pipeline, const std::shared_ptr<AsyncChunk>& chunk) {
  ++pipeline.stats.async_chunks;
  OrderedQueue& queue = pipeline.async_cow_of(chunk->file->chunk_queued());
  queue.add([chunk] { compress_file_range(*chunk); },
            [chunk] {
              submit_compressed_extents(*chunk);
              chunk->file->chunk_submitted();
              *chunk = {};  // its file may end as soon as it holds nothing
            });
}

}  // namespace

//          [................. pages .................)
//   |--------------|--------------|--------------|--------------|    multiples of kChunkBytes
//          [chunk )[    chunk    )[    chunk    )[cnk)
// Chunks are aligned, so that later overwrites replace whole extents.
void cow_file_range_async(FileState& file, LockedPages pages, ExtentRangeLock range_lock,
                          const CompressChoice& choice) {
  while (!pages.empty()) {
    const ByteRange left = pages.byte_hull();
    const uint64_t cut = std::min(left.end, round_down(left.start, kChunkBytes) + kChunkBytes);
    auto chunk = std::make_shared<AsyncChunk>();
    chunk->slot = file.pipeline.in_flight.acquire(file.lane());
    chunk->file = &file;
    chunk->hold = FileState::Hold(file);
    chunk->choice = choice;
    chunk->pages = pages.take_front(cut / kPageBytes);
    chunk->range_lock = range_lock.take_front(cut);
    if (file.pipeline.chunk_observer) file.pipeline.chunk_observer(*chunk);
    queue_chunk(file.pipeline, chunk);
  }
}

}  // namespace butterfuse
