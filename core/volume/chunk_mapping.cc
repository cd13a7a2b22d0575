// SPDX-License-Identifier: GPL-2.0-or-later
// The arithmetic of stripes: from a byte of a chunk to a byte of its stripes.
//
//     RAID0, RAID10     cell 0 │ cell 1 │ cell 2       64 KiB each; the next row behind the last column
//     (stripes)           0        1        2          RAID10: two stripes a column
//     RAID5, RAID6      row 0:  D0  D1  P              P and Q move on by one stripe a row (parity_stripe)
//                       row 1:  P   D2  D3
//     others            a byte lies at the same place of each stripe
#include "core/volume/chunk_mapping.h"

#include <algorithm>

namespace butterfuse {
namespace {

constexpr bool fits_behind(uint64_t start, uint64_t length) { return length <= ~uint64_t{0} - start; }
constexpr uint64_t kMaxRaid6Data = 255;  // columns that the arithmetic of Q can tell apart

}  // namespace

StripePiece stripe_piece(const ChunkMapping& chunk, uint64_t offset, uint64_t length) {
  const RaidProfile& profile = chunk.profile();
  StripePiece piece;
  piece.offset = offset;
  if (!profile.striped()) {
    piece.length = length;
    piece.stripe_offset = offset;
    piece.copies = chunk.stripes.size();
    return piece;
  }
  const uint64_t cell = offset / kStripeLen, in_cell = offset % kStripeLen;
  piece.length = std::min(length, kStripeLen - in_cell);
  piece.row = cell / chunk.data_stripes();
  piece.column = cell % chunk.data_stripes();
  piece.stripe_offset = piece.row * kStripeLen + in_cell;
  piece.copies = static_cast<size_t>(profile.copies);
  piece.first_copy =
      profile.parity != 0 ? parity_stripe(chunk, piece.row, piece.column) : piece.column * piece.copies;
  return piece;
}

size_t parity_stripe(const ChunkMapping& chunk, uint64_t row, uint64_t column) {
  return (row + column) % chunk.stripes.size();
}

// Of the logical address space: what rounds up at a chunk's end must not wrap.
constexpr uint64_t kUnusedTop = uint64_t{1} << 20;

const char* chunk_flaw(const ChunkMapping& chunk) {
  const RaidProfile& profile = chunk.profile();
  const size_t count = chunk.stripes.size();
  if (chunk.length == 0 || !fits_behind(chunk.start, chunk.length) ||
      chunk.start + chunk.length > ~uint64_t{0} - kUnusedTop)
    return "impossible length";
  if (!profile.striped() && count != static_cast<size_t>(profile.copies)) return "wrong number of stripes";
  if (profile.striped() && count < static_cast<size_t>(profile.min_devices)) return "too few stripes";
  if (profile.sub_stripes > 1 && count % profile.sub_stripes != 0) return "an odd number of stripes";
  if (profile.parity == 2 && chunk.data_stripes() > kMaxRaid6Data) return "too many stripes";
  if (profile.striped() && chunk.length % (chunk.data_stripes() * kStripeLen) != 0)
    return "a length that is no multiple of its rows";
  for (const ChunkStripe& stripe : chunk.stripes)
    if (!fits_behind(stripe.physical, chunk.stripe_bytes())) return "a stripe that overflows";
  return nullptr;
}

}  // namespace butterfuse
