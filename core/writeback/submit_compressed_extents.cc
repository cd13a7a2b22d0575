// SPDX-License-Identifier: GPL-2.0-or-later
// submit_compressed_extents: the ordered stage: disk space in file order, pages handed to ordered extents.
#include "core/writeback/async_chunk.h"
#include "core/writeback/cow_file_range.h"
#include "core/writeback/write_extent.h"

namespace butterfuse {
namespace {

// Space for a run of compressed extents, in one piece where there is one: a whole chunk is then one write.
class RunSpace {
 public:
  RunSpace(FileState& file, const std::vector<AsyncExtent>& extents) : file_(file), extents_(extents) {}
  ~RunSpace() {
    if (!left_.empty()) file_.pipeline.backend.release_extent(left_);
  }

  // Space for extents[index]. An error: there is no free run of that length.
  Result<ByteRange> take(size_t index) {
    const uint64_t bytes = extents_[index].stored_bytes;
    if (left_.length() < bytes) {
      if (!left_.empty()) file_.pipeline.backend.release_extent(std::exchange(left_, {}));
      BF_ASSIGN(left_, file_.pipeline.backend.alloc_extent(bytes_of_run(index), bytes, file_.alloc_hint));
    }
    const ByteRange taken = ByteRange::at(left_.start, bytes);
    left_.start = taken.end;
    file_.alloc_hint = taken.end;
    return taken;
  }

 private:
  uint64_t bytes_of_run(size_t index) const {
    uint64_t sum = 0;
    for (; index < extents_.size() && extents_[index].compression != 0; ++index)
      sum += extents_[index].stored_bytes;
    return sum;
  }

  FileState& file_;
  const std::vector<AsyncExtent>& extents_;
  ByteRange left_;
};

class ChunkSubmitter {
 public:
  explicit ChunkSubmitter(AsyncChunk& chunk)
      : chunk_(chunk), file_(*chunk.file), space_(file_, chunk.extents) {}

  void run() {
    for (size_t i = 0; i < chunk_.extents.size(); ++i) submit(i);
    write_group();
  }

 private:
  void submit(size_t index) {
    AsyncExtent& extent = chunk_.extents[index];
    LockedPages pages = chunk_.pages.take_front(extent.file.end / kPageBytes);
    ExtentRangeLock range_lock = chunk_.range_lock.take_front(extent.file.end);
    if (extent.file.start >= file_.page_end()) return abandon_pages(file_, std::move(pages), nullptr);
    if (extent.compression == 0) return submit_uncompressed(std::move(pages), std::move(range_lock));
    const Result<ByteRange> disk = space_.take(index);
    if (!disk) {
      ++file_.pipeline.stats.fallback_no_room;
      return submit_uncompressed(std::move(pages), std::move(range_lock));
    }
    add_to_group(make_ordered(extent, *disk), std::move(pages));
  }

  void submit_uncompressed(LockedPages pages, ExtentRangeLock range_lock) {
    write_group();
    cow_file_range(file_, std::move(pages), std::move(range_lock));
  }

  CowExtentRef make_ordered(AsyncExtent& extent, ByteRange disk) {
    auto ordered = std::make_shared<CowExtent>(extent.file);
    ordered->disk = disk;
    ordered->compression = extent.compression;
    ordered->stored = std::move(extent.stored);
    ordered->csums = std::move(extent.csums);
    return ordered;
  }

  // A group is contiguous in the file and on disk.
  void add_to_group(const CowExtentRef& ordered, LockedPages pages) {
    if (group_ && (group_->extents.back()->disk.end != ordered->disk.start ||
                   group_->extents.back()->file().end != ordered->file().start))
      write_group();
    hand_over(file_, ordered, std::move(pages));
    if (!group_) {
      group_ = std::make_shared<CowGroup>();
      group_->file = &file_;
      group_->hold = FileState::Hold(file_);
    }
    group_->extents.push_back(ordered);
  }

  void write_group() {
    if (!group_) return;
    // The last group takes the slot along: the chunk's compressed bytes live as long as it does.
    if (chunk_.pages.empty()) group_->slot = std::move(chunk_.slot);
    write_compressed(std::exchange(group_, nullptr));
  }

  AsyncChunk& chunk_;
  FileState& file_;
  RunSpace space_;
  CowGroupRef group_;
};

}  // namespace

void submit_compressed_extents(AsyncChunk& chunk) {
  if (chunk.extents.empty()) {  // truncated, or stored inline: nothing is left, or nothing to write
    abandon_pages(*chunk.file, std::move(chunk.pages), nullptr);
    return;
  }
  ChunkSubmitter(chunk).run();
}

}  // namespace butterfuse
