// SPDX-License-Identifier: GPL-2.0-or-later
// Reading and writing of Volume: ranges of bytenrs cut into pieces that lie together on devices.
//
// In which order copies are asked (order_of), the first that can be read is taken:
//
//     rank 0    stale, while repairs are on and the reader knows a bad copy: so that it becomes sound
//     rank 1    all that nothing is known against, and what parity gives
//     rank 2    stale, lost, or not answering; a lost one not at all for who can't tell a bad copy
//
// Within a rank the copy of the lowest number comes first. While no device is doubtful nothing is sorted.
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
  if (!read) {
    note_read_error(member, read.error());
  } else if (member.failed_reads.load(std::memory_order_relaxed) != 0) {
    member.failed_reads = 0;
  }
  return read;
}

void Volume::note_read_error(MemberDevice& member, const Error& error) {
  if (member.errors.read++ == 0)
    log_event(LogLevel::error, "device {}: a read failed: {}; this is said once", member.devid,
              error.message);
  if (++member.failed_reads >= MemberDevice::kFailedReadsMax) any_doubtful_ = true;
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
  for (int mirror = 0; mirror < chunk.copies(); ++mirror) order.push_back(mirror);
  if (!any_doubtful_) return order;
  const auto device_of = [&](int mirror) -> const MemberDevice* {
    const auto copy = static_cast<size_t>(mirror);
    return copy < piece.copies ? chunk.stripes[piece.first_copy + copy].device : nullptr;
  };
  // What it missed since it was lost nobody can see without a checksum.
  if (!verified)
    std::erase_if(order, [&](int mirror) { return device_of(mirror) && device_of(mirror)->lost; });
  const auto rank = [&](int mirror) {
    const MemberDevice* device = device_of(mirror);
    if (device == nullptr || !device->doubtful()) return 1;
    const bool mends = device->stale && !device->lost && device->failed_reads < MemberDevice::kFailedReadsMax;
    return mends && verified && repairs_ ? 0 : 2;
  };
  std::ranges::stable_sort(order, {}, rank);
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
    if (!any_doubtful_ && read_copy(*chunk, piece, bytes, 0)) return {};
    Status first;
    const std::vector<int> order = order_of(*chunk, piece, verified);
    for (int mirror : order) {
      Status read = read_copy(*chunk, piece, bytes, mirror);
      if (read) return {};
      if (first) first = std::move(read);
    }
    if (order.empty()) return make_error(EIO, "bytenr {}: its copies are on lost devices only", bytenr + at);
    return first;
  });
}

Status Volume::write_stripe(const ChunkStripe& stripe, uint64_t offset, const std::vector<ByteSpan>& bytes,
                            WriteKind kind) {
  MemberDevice& member = *stripe.device;
  if (!member.writable())
    return make_error(EIO, "device {} ({}) {}", member.devid, member.name(),
                      member.lost ? "was lost" : "can't be written");
  return write_or_lose(member,
                       [&] { return member.device->write_gather(stripe.physical + offset, bytes, kind); });
}

Status Volume::write_piece(const ChunkMapping& chunk, const StripePiece& piece,
                           const std::vector<ByteSpan>& bytes, WriteKind kind) {
  std::vector<const MemberDevice*> written_to;
  Status first;
  for (size_t copy = 0; copy < piece.copies; ++copy) {
    const ChunkStripe& stripe = chunk.stripes[piece.first_copy + copy];
    BF_TRY(check_no_super(stripe, piece));
    Status written = write_stripe(stripe, piece.stripe_offset, bytes, kind);
    if (written) written_to.push_back(stripe.device);
    if (!written && first) first = std::move(written);
  }
  if (first) return {};
  // What is on a device that another thread found lost meanwhile does not count.
  const auto good = std::ranges::count_if(written_to, [](const MemberDevice* it) { return !it->lost; });
  const auto failed = static_cast<int64_t>(piece.copies) - good;
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
  return on_each_writable([&](MemberDevice& member) {
    Status flushed = member.device->flush();
    if (!flushed) note_error(member, ErrorKind::flush, flushed.error());
    return flushed;
  });
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
        Status put = stripe.device->device->write(stripe.physical + piece.stripe_offset,
                                                  good.subspan(at, piece.length), kind);
        ++(put ? stripe.device->errors.repaired : stripe.device->errors.write);
        return put;
      });
  return written.has_value();
}

}  // namespace butterfuse
