// Reading and writing of Volume: ranges of bytenrs cut into pieces that lie together on devices.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "core/base/log.h"
#include "core/volume/parity.h"
#include "core/volume/super_places.h"
#include "core/volume/volume.h"

namespace butterfuse {
namespace {

// Calls act(piece) for the pieces of a range of the chunk until one fails.
template <class Act>
Status for_each_piece(const ChunkMapping& chunk, uint64_t bytenr, uint64_t length, Act act) {
  const uint64_t begin = bytenr - chunk.start;
  for (uint64_t done = 0; done < length;) {
    const StripePiece piece = stripe_piece(chunk, begin + done, length - done);
    BF_TRY(act(piece, done));
    done += piece.length;
  }
  return {};
}

// The allocator keeps away from superblocks; an extent of a damaged image may lie over one.
Status check_no_super(const ChunkStripe& stripe, const StripePiece& piece) {
  const ByteRange place = ByteRange::at(stripe.physical + piece.stripe_offset, piece.length);
  if (!touches_super(place)) return {};
  return make_error(EUCLEAN, "device {}: bytes {} to {} are a superblock's, nothing else is written there",
                    stripe.devid, place.start, place.end);
}

// The part [start, start + length) of bytes given in pieces.
std::vector<ByteSpan> part_of(const std::vector<ByteSpan>& pieces, uint64_t start, uint64_t length) {
  std::vector<ByteSpan> part;
  for (ByteSpan piece : pieces) {
    if (length == 0) break;
    if (start >= piece.size()) {
      start -= piece.size();
      continue;
    }
    part.push_back(piece.subspan(start, std::min<uint64_t>(length, piece.size() - start)));
    length -= part.back().size();
    start = 0;
  }
  return part;
}

}  // namespace

Status Volume::read_stripe(const ChunkStripe& stripe, uint64_t offset, MutableByteSpan into) {
  MemberDevice& member = *stripe.device;
  if (member.missing()) return make_error(EIO, "device {} is missing", member.devid);
  Status read = member.device->read(stripe.physical + offset, into);
  if (!read) ++member.errors.read;
  return read;
}

// Mirror 1 takes for lost what can't be read. In RAID6 the mirrors behind it each distrust one stripe more: a
// column that is silently wrong is then rebuilt around, too.
Status Volume::rebuild(const ChunkMapping& chunk, const StripePiece& piece, MutableByteSpan into,
                       int mirror) {
  const ParityRow row{chunk.data_stripes(), static_cast<uint64_t>(chunk.profile().parity)};
  std::vector<uint64_t> lost{piece.column};
  if (mirror > 1) {
    const uint64_t other = static_cast<uint64_t>(mirror) - 2;
    lost.push_back(other < piece.column ? other : other + 1);
  }
  for (uint64_t column = 0; column < row.data + row.parity; ++column) {
    const bool missing = chunk.stripes[parity_stripe(chunk, piece.row, column)].device->missing();
    if (missing && std::ranges::find(lost, column) == lost.end()) lost.push_back(column);
  }
  const auto read = [&](uint64_t column, MutableByteSpan bytes) {
    return read_stripe(chunk.stripes[parity_stripe(chunk, piece.row, column)], piece.stripe_offset, bytes);
  };
  return rebuild_column(row, piece.column, std::move(lost), read, into);
}

Status Volume::read_copy(const ChunkMapping& chunk, const StripePiece& piece, MutableByteSpan into,
                         int mirror) {
  const auto copy = static_cast<size_t>(mirror);
  if (copy < piece.copies)
    return read_stripe(chunk.stripes[piece.first_copy + copy], piece.stripe_offset, into);
  return rebuild(chunk, piece, into, mirror);
}

Status Volume::read(uint64_t bytenr, MutableByteSpan into, int mirror) {
  BF_ASSIGN(auto chunk, chunk_of_range(bytenr, into.size()));
  if (mirror < 0 || mirror >= chunk->copies())
    return make_error(EIO, "bytenr {} has {} copies, no copy {}", bytenr, chunk->copies(), mirror);
  return for_each_piece(*chunk, bytenr, into.size(), [&](const StripePiece& piece, uint64_t at) {
    return read_copy(*chunk, piece, into.subspan(at, piece.length), mirror);
  });
}

std::vector<int> Volume::order_of(const ChunkMapping& chunk, const StripePiece& piece, bool verified) const {
  std::vector<int> order;
  const auto stale = [&](int mirror) {
    const auto copy = static_cast<size_t>(mirror);
    return copy < piece.copies && chunk.stripes[piece.first_copy + copy].device->stale;
  };
  for (int mirror = 0; mirror < chunk.copies(); ++mirror) order.push_back(mirror);
  if (!any_stale_) return order;
  const bool stale_first = verified && repairs_;
  std::ranges::stable_partition(order, [&](int mirror) { return stale(mirror) == stale_first; });
  return order;
}

std::vector<int> Volume::mirror_order(uint64_t bytenr, bool verified) const {
  const auto chunk = chunk_at(bytenr);
  if (!chunk) return {};
  return order_of(*chunk, stripe_piece(*chunk, bytenr - chunk->start, 1), verified);
}

Status Volume::read_best(uint64_t bytenr, MutableByteSpan into, bool verified) {
  BF_ASSIGN(auto chunk, chunk_of_range(bytenr, into.size()));
  return for_each_piece(*chunk, bytenr, into.size(), [&](const StripePiece& piece, uint64_t at) -> Status {
    const MutableByteSpan bytes = into.subspan(at, piece.length);
    if (!any_stale_ && read_copy(*chunk, piece, bytes, 0)) return {};
    Status first;
    for (int mirror : order_of(*chunk, piece, verified)) {
      Status read = read_copy(*chunk, piece, bytes, mirror);
      if (read) return {};
      if (first) first = std::move(read);
    }
    return first;
  });
}

Status Volume::write_piece(const ChunkMapping& chunk, const StripePiece& piece,
                           const std::vector<ByteSpan>& bytes, WriteKind kind) {
  int failed = 0;
  Status first;
  for (size_t copy = 0; copy < piece.copies; ++copy) {
    const ChunkStripe& stripe = chunk.stripes[piece.first_copy + copy];
    MemberDevice& member = *stripe.device;
    BF_TRY(check_no_super(stripe, piece));
    Status written = member.writable()
                         ? member.device->write_gather(stripe.physical + piece.stripe_offset, bytes, kind)
                         : make_error(EIO, "device {} ({}) can't be written", member.devid, member.name());
    if (written) continue;
    ++failed;
    if (!member.missing() && member.errors.write++ == 0)
      log(LogLevel::error, "device {}: a write failed: {}", member.devid, written.error().message);
    if (first) first = std::move(written);
  }
  return failed > chunk.profile().tolerated ? first : Status{};
}

Status Volume::write(uint64_t bytenr, ByteSpan from, WriteKind kind) {
  return write_gather(bytenr, {from}, kind);
}

Status Volume::write_gather(uint64_t bytenr, const std::vector<ByteSpan>& pieces, WriteKind kind) {
  uint64_t length = 0;
  for (ByteSpan piece : pieces) length += piece.size();
  BF_ASSIGN(auto chunk, chunk_of_range(bytenr, length));
  if (chunk->type & kParityProfiles)
    return make_error(EROFS, "chunk {} is {}, which is not written", chunk->start, chunk->profile().name);
  return for_each_piece(*chunk, bytenr, length, [&](const StripePiece& piece, uint64_t at) {
    if (piece.length == length) return write_piece(*chunk, piece, pieces, kind);
    return write_piece(*chunk, piece, part_of(pieces, at, piece.length), kind);
  });
}

void Volume::start_writeback(uint64_t bytenr, uint64_t length) {
  auto chunk = chunk_of_range(bytenr, length);
  if (!chunk) return;
  (void)for_each_piece(**chunk, bytenr, length, [&](const StripePiece& piece, uint64_t) -> Status {
    for (size_t copy = 0; copy < piece.copies; ++copy) {
      const ChunkStripe& stripe = (*chunk)->stripes[piece.first_copy + copy];
      if (stripe.device->writable())
        stripe.device->device->start_writeback(stripe.physical + piece.stripe_offset, piece.length);
    }
    return {};
  });
}

void Volume::discard(uint64_t bytenr, uint64_t length) {
  auto chunk = chunk_of_range(bytenr, length);
  if (!chunk || ((*chunk)->type & kParityProfiles)) return;
  (void)for_each_piece(**chunk, bytenr, length, [&](const StripePiece& piece, uint64_t) -> Status {
    for (size_t copy = 0; copy < piece.copies; ++copy) {
      const ChunkStripe& stripe = (*chunk)->stripes[piece.first_copy + copy];
      if (stripe.device->writable())
        discard_around_supers(*stripe.device->device,
                              ByteRange::at(stripe.physical + piece.stripe_offset, piece.length));
    }
    return {};
  });
}

Status Volume::flush() {
  std::set<uint64_t> failed;
  Error reason;
  for (MemberDevice* member : member_list_) {
    if (!member->writable()) continue;
    Status flushed = member->device->flush();
    if (flushed) continue;
    ++member->errors.flush;
    if (failed.empty()) reason = std::move(flushed).error();
    failed.insert(member->devid);
  }
  return tolerate(failed, reason, "flushes");
}

void Volume::note_bad_copy(uint64_t bytenr, int mirror) {
  const auto chunk = chunk_at(bytenr);
  if (!chunk) return;
  const StripePiece piece = stripe_piece(*chunk, bytenr - chunk->start, 1);
  const auto copy = static_cast<size_t>(mirror);
  if (copy < piece.copies) ++chunk->stripes[piece.first_copy + copy].device->errors.corruption;
}

bool Volume::repair_copy(uint64_t bytenr, ByteSpan good, int mirror, WriteKind kind) {
  auto chunk = chunk_of_range(bytenr, good.size());
  if (!repairs_ || !chunk || ((*chunk)->type & kParityProfiles)) return false;
  const auto copy = static_cast<size_t>(mirror);
  const Status written =
      for_each_piece(**chunk, bytenr, good.size(), [&](const StripePiece& piece, uint64_t at) -> Status {
        if (copy >= piece.copies) return make_error(EINVAL, "no copy {}", mirror);
        const ChunkStripe& stripe = (*chunk)->stripes[piece.first_copy + copy];
        if (!stripe.device->writable()) return make_error(EROFS, "device {}", stripe.devid);
        BF_TRY(check_no_super(stripe, piece));
        BF_TRY(stripe.device->device->write(stripe.physical + piece.stripe_offset,
                                            good.subspan(at, piece.length), kind));
        ++stripe.device->errors.repaired;
        return {};
      });
  return written.has_value();
}

}  // namespace butterfuse
