// SPDX-License-Identifier: GPL-2.0-or-later
// compress_file_range: the parallel stage: each piece of a chunk compressed, or left as it is, and why.
#include "compress/codec.h"
#include "compress/heuristic.h"
#include "core/base/courtesy.h"
#include "core/writeback/async_chunk.h"
#include "core/writeback/cow_file_range.h"
#include "core/writeback/finish_ordered.h"
#include "core/writeback/write_extent.h"

namespace butterfuse {
namespace {

class ChunkCompressor {
 public:
  explicit ChunkCompressor(AsyncChunk& chunk)
      : chunk_(chunk),
        file_(*chunk.file),
        stats_(file_.pipeline.stats),
        codec_(codec_by_type(chunk.choice.type)),
        level_(codec_ ? codec_->clamp_level(chunk.choice.level) : 0) {}

  void run() {
    if (try_inline()) return;
    const ByteRange range = chunk_.pages.byte_hull();
    // Pieces end at folio borders, so that each lies in one folio and is compressed from where it is.
    for (uint64_t at = range.start; at < range.end;) {
      const ByteRange piece{at, std::min(range.end, round_down(at, kPieceBytes) + kPieceBytes)};
      if (!try_compress(piece)) add_uncompressed(piece);
      let_others_run();
      at = piece.end;
    }
  }

 private:
  // Neighbouring pieces that stay as they are become one.
  void add_uncompressed(ByteRange piece) {
    if (!chunk_.extents.empty() && chunk_.extents.back().compression == 0) {
      chunk_.extents.back().file.end = piece.end;
      return;
    }
    chunk_.extents.push_back({.file = piece, .compression = 0, .stored = {}, .stored_bytes = 0, .csums = {}});
  }

  bool refused(std::atomic<uint64_t>& reason) {
    ++reason;
    return false;
  }

  bool worth_a_try(ByteSpan bytes) {
    if (!codec_) return refused(stats_.fallback_codec_error);
    if (bytes.size() <= kSectorBytes) return refused(stats_.fallback_one_sector);
    if (chunk_.choice.force) return true;
    if (!file_.backoff.should_try()) return refused(stats_.fallback_skipped);
    // The heuristic is cheap, so its no costs this piece only.
    if (judge_compressibility(bytes) == Compressibility::unlikely) return refused(stats_.fallback_heuristic);
    return true;
  }

  bool try_compress(ByteRange piece) {
    const ByteSpan bytes = chunk_.pages.contiguous_bytes(piece);
    if (!worth_a_try(bytes)) return false;
    AsyncExtent extent;
    extent.file = piece;
    extent.compression = chunk_.choice.type;
    extent.stored = file_.pipeline.cache.pool().take(true);
    extent.stored.touch(kAllPages);
    ++stats_.pieces_tried;
    // To be of use it must save a sector at least.
    const MutableByteSpan room = extent.stored.bytes().first(bytes.size() - kSectorBytes);
    const Result<std::optional<size_t>> size = codec_->compress(bytes, room, level_);
    if (!size) return refused(stats_.fallback_codec_error);
    if (!*size) return note_not_smaller(piece);
    file_.backoff.succeeded();
    finish_extent(extent, **size);
    chunk_.extents.push_back(std::move(extent));
    return true;
  }

  bool note_not_smaller(ByteRange piece) {
    file_.backoff.failed();
    const uint64_t size = file_.size.in_memory();
    if (piece.start == 0 && size > kSectorBytes && size <= piece.end) file_.owner.note_incompressible();
    return refused(stats_.fallback_not_smaller);
  }

  void finish_extent(AsyncExtent& extent, size_t compressed_bytes) {
    extent.stored_bytes = round_up(compressed_bytes, kSectorBytes);
    const MutableByteSpan stored = extent.stored.bytes().first(extent.stored_bytes);
    std::memset(stored.data() + compressed_bytes, 0, stored.size() - compressed_bytes);
    const CsumType type = file_.pipeline.backend.csum_type();
    extent.csums.resize(extent.stored_bytes / kSectorBytes * csum_size(type));
    checksum_sectors(type, stored, extent.csums.data());
  }

  // A file of one sector at most: compressed in its item, where that is smaller and small enough; else it
  // goes on as pieces do, and cow_file_range may still store it there uncompressed.
  bool try_inline() {
    if (!codec_ || !is_small_whole_file(file_, chunk_.pages)) return false;
    const uint64_t size = file_.size.in_memory();
    const ByteSpan bytes = chunk_.pages.contiguous_bytes({0, size});
    const uint64_t limit =
        std::min<uint64_t>(file_.pipeline.options.max_inline, file_.pipeline.backend.max_inline_bytes());
    if (limit == 0 || bytes.size() < kLeastInlineBytes) return false;
    std::vector<std::byte> stored(std::min<uint64_t>(limit, size - 1));
    const Result<std::optional<size_t>> compressed = codec_->compress(bytes, stored, level_);
    if (!compressed || !*compressed) return false;
    stored.resize(**compressed);
    ++stats_.pieces_tried;
    finish_ordered(
        cow_file_inline(file_, std::move(chunk_.pages), {size, chunk_.choice.type, std::move(stored)}));
    return true;
  }

  // Below this a codec's framing eats what it saves.
  static constexpr size_t kLeastInlineBytes = 64;

  AsyncChunk& chunk_;
  FileState& file_;
  PipelineStats& stats_;
  const Codec* const codec_;
  const int level_;
};

}  // namespace

void compress_file_range(AsyncChunk& chunk) {
  if (chunk.range_lock.range().start >= chunk.file->page_end()) return;  // truncated: submit abandons it
  ChunkCompressor(chunk).run();
}

}  // namespace butterfuse
