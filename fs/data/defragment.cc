// SPDX-License-Identifier: GPL-2.0-or-later
// Defragmenting: what is worth it, then pages made dirty and written back.
#include "fs/data/defragment.h"

#include <algorithm>
#include <vector>

#include "core/delalloc/batch_sizes.h"
#include "core/items/file_extent.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

// What one step holds the file for. No extent that writeback makes reaches over a step's end anyhow.
constexpr uint64_t kStepBytes = kPlainBatchBytes;

// A part of a file that lies in one extent.
struct Piece {
  ByteRange range;
  uint8_t compression = 0;
  bool short_one = false;  // a longer one could take its place
};

// The pieces of data in `range`, cut at multiples of `extent_max`: no extent that writeback makes reaches
// over those. Holes and preallocated space are what lies between.
Result<std::vector<Piece>> pieces_in(Inode& inode, ByteRange range, uint64_t extent_max,
                                     const DefragWish& wish) {
  std::vector<Piece> pieces;
  BF_TRY(for_each_file_extent(inode.tree(), inode.ino(), range, [&](const FileExtent& extent) {
    if (extent.kind != ExtentKind::regular && extent.kind != ExtentKind::inline_data) return true;
    const bool at_its_longest =
        extent.compression != compression_type::kNone && extent.num_bytes >= kMaxCompressedBytes;
    const bool short_one = !at_its_longest && extent.num_bytes < wish.long_enough_bytes;
    ByteRange rest = ByteRange{extent.start, round_up(extent.end(), kSectorSize)}.intersection(range);
    while (!rest.empty()) {
      const uint64_t end = std::min(rest.end, round_down(rest.start, extent_max) + extent_max);
      pieces.push_back({{rest.start, end}, extent.compression, short_one});
      rest.start = end;
    }
    return true;
  }));
  return pieces;
}

// Whether two neighbours can become one extent.
bool can_be_joined(const Piece& first, const Piece& second, uint64_t extent_max) {
  return first.short_one && second.short_one && first.range.end == second.range.start &&
         second.range.start % extent_max != 0;
}

// The parts to be written anew, in order.
std::vector<ByteRange> worth_rewriting(const std::vector<Piece>& pieces, uint64_t extent_max,
                                       const DefragWish& wish) {
  std::vector<ByteRange> ranges;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    const bool other_codec = wish.codec != compression_type::kNone && piece.compression != wish.codec;
    const bool joins = (i > 0 && can_be_joined(pieces[i - 1], piece, extent_max)) ||
                       (i + 1 < pieces.size() && can_be_joined(piece, pieces[i + 1], extent_max));
    if (!other_codec && !joins) continue;
    if (!ranges.empty() && ranges.back().end == piece.range.start) {
      ranges.back().end = piece.range.end;
    } else {
      ranges.push_back(piece.range);
    }
  }
  return ranges;
}

Status rewrite_step(Inode& inode, ByteRange step, DefragWish wish) {
  FileData& data = inode.data();
  // It can't be compressed.
  if (inode.compress_choice().type != wish.codec) wish.codec = compression_type::kNone;
  BF_TRY(data.flush(step, true));  // what is dirty has no extent yet
  const uint64_t extent_max = data.extent_bytes_max();
  BF_ASSIGN(const std::vector<Piece> pieces, pieces_in(inode, step, extent_max, wish));
  for (const ByteRange range : worth_rewriting(pieces, extent_max, wish)) BF_TRY(data.rewrite(range));
  return data.flush(step, true);
}

// While a file is written anew: copy-on-write whatever its flags say, and with the codec wished for.
class Rewriting {
 public:
  Rewriting(Inode& inode, uint8_t codec) : inode_(inode) { inode_.set_rewriting(true, codec); }
  ~Rewriting() { inode_.set_rewriting(false, compression_type::kNone); }
  Rewriting(const Rewriting&) = delete;
  Rewriting& operator=(const Rewriting&) = delete;

 private:
  Inode& inode_;
};

}  // namespace

Status defragment(Mount& mount, Inode& inode, const DefragWish& wish,
                  const std::function<bool()>& cancelled) {
  BF_TRY(mount.check_writable(inode));
  BF_TRY(check_not_sealed(inode));
  if (!wish.whatever_flags) BF_TRY(check_not_readonly(inode));
  if (inode.is_dir()) return {};  // its tree is kept in shape all along
  if (!inode.is_regular()) return make_error(EINVAL, "defragmenting inode {}, no regular file", inode.ino());
  if (!wish.whatever_flags) BF_TRY(check_can_be_added_to(inode));
  BF_TRY(inode.load_properties());
  const uint64_t size = inode.data().size();
  if (size != 0 && wish.range.start >= size)
    return make_error(EINVAL, "defragmenting from {} on, behind the end at {}", wish.range.start, size);
  for (uint64_t at = wish.range.start;;) {
    WriterLock lock(inode.data_lock());
    const uint64_t end = std::min(wish.range.end, round_up(inode.data().size(), kSectorSize));
    if (at >= end) return {};
    const ByteRange step{at, std::min(end, round_down(at, kStepBytes) + kStepBytes)};
    if (cancelled && cancelled())
      return make_error(EINTR, "defragmenting inode {} was interrupted at {}", inode.ino(), at);
    const Rewriting rewriting(inode, wish.codec);
    BF_TRY(rewrite_step(inode, step, wish));
    at = step.end;
  }
}

}  // namespace butterfuse
