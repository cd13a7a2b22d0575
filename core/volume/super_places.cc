// SPDX-License-Identifier: GPL-2.0-or-later
// Super places: 4 KiB of each mirror; discarding keeps away from the 64 KiB that nobody allocates.
#include "core/volume/super_places.h"

#include <algorithm>

#include "core/ondisk/format.h"

namespace butterfuse {

bool touches_super(ByteRange device_bytes) {
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror)
    if (device_bytes.overlaps(ByteRange::at(super_mirror_offset(mirror), kSuperSize))) return true;
  return false;
}

void discard_around_supers(BlockDevice& device, ByteRange range) {
  uint64_t at = range.start;
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror) {
    const ByteRange super = ByteRange::at(super_mirror_offset(mirror), kStripeLen);
    if (!super.overlaps(range)) continue;
    if (super.start > at) device.discard(at, super.start - at);
    at = std::max(at, super.end);
  }
  if (at < range.end) device.discard(at, range.end - at);
}

}  // namespace butterfuse
