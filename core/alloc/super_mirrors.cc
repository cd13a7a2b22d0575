// Superblock mirrors: from physical to logical.
#include "core/alloc/super_mirrors.h"

#include <algorithm>

namespace butterfuse {
namespace {

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
  for (const ChunkStripe& stripe : chunk.stripes) {
    const ByteRange physical = ByteRange::at(stripe.physical, chunk.length);
    for (int mirror = 0; mirror < kSuperMirrors; mirror++) {
      const ByteRange super = ByteRange::at(super_mirror_offset(mirror), kSuperSize);
      if (!physical.overlaps(super)) continue;
      const uint64_t first = super.start > physical.start ? super.start - physical.start : 0;
      const ByteRange offsets{round_down(first, kStripeLen),
                              round_up(super.end - physical.start, kStripeLen)};
      ranges.push_back(whole.intersection({chunk.start + offsets.start, chunk.start + offsets.end}));
    }
  }
  return merged(std::move(ranges));
}

}  // namespace butterfuse
