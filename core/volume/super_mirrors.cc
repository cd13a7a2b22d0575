// SPDX-License-Identifier: GPL-2.0-or-later
// Superblock mirrors: from physical to logical.
// A superblock lies at fixed places of a device, and a stripe may lie over one. Which logical bytes that are
// depends on the profile; on each of them the chunk has a hole, for all of its copies.
#include "core/volume/super_mirrors.h"

#include <algorithm>

namespace butterfuse {
namespace {

// The logical bytes that belong to 64 KiB of a stripe: the same, or of striped profiles a cell, or with
// parity its whole row.
ByteRange logical_of(const ChunkMapping& chunk, size_t stripe, uint64_t offset) {
  const RaidProfile& profile = chunk.profile();
  const uint64_t row_bytes = chunk.data_stripes() * kStripeLen;
  if (!profile.striped()) return ByteRange::at(chunk.start + offset, kStripeLen);
  const uint64_t row = chunk.start + offset / kStripeLen * row_bytes;
  if (profile.parity != 0) return ByteRange::at(row, row_bytes);
  return ByteRange::at(row + stripe / profile.copies * kStripeLen, kStripeLen);
}

std::vector<ByteRange> merged(std::vector<ByteRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](ByteRange a, ByteRange b) { return a.start < b.start; });
  std::vector<ByteRange> result;
  for (const ByteRange& range : ranges) {
    if (!result.empty() && range.start <= result.back().end) {
      result.back().end = std::max(result.back().end, range.end);
    } else {
      result.push_back(range);
    }
  }
  return result;
}

}  // namespace

std::vector<ByteRange> super_mirrors_in(const ChunkMapping& chunk) {
  std::vector<ByteRange> ranges;
  const ByteRange whole = ByteRange::at(chunk.start, chunk.length);
  // Images from before the first MiB was reserved may have a chunk that begins before the first superblock.
  if (chunk.start < kSuperOffset) ranges.push_back(whole.intersection({0, kSuperOffset}));
  for (size_t index = 0; index < chunk.stripes.size(); index++) {
    const ChunkStripe& stripe = chunk.stripes[index];
    const ByteRange physical = ByteRange::at(stripe.physical, chunk.stripe_bytes());
    for (int mirror = 0; mirror < kSuperMirrors; mirror++) {
      const ByteRange super = ByteRange::at(super_mirror_offset(mirror), kSuperSize);
      if (!physical.overlaps(super)) continue;
      const uint64_t first = super.start > physical.start ? super.start - physical.start : 0;
      const ByteRange offsets{round_down(first, kStripeLen),
                              round_up(super.end - physical.start, kStripeLen)};
      for (uint64_t offset = offsets.start; offset < offsets.end; offset += kStripeLen) {
        ranges.push_back(whole.intersection(logical_of(chunk, index, offset)));
      }
    }
  }
  return merged(std::move(ranges));
}

}  // namespace butterfuse
