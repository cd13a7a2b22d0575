// DeviceSpace: the holes between device extents.
#include "core/alloc/device_space.h"

#include "core/base/assert.h"

namespace butterfuse {

Status DeviceSpace::add(const ChunkMapping& chunk) {
  for (const ChunkStripe& stripe : chunk.stripes) {
    const ByteRange range = ByteRange::at(stripe.physical, chunk.length);
    auto next = taken_.lower_bound(range.start);
    const bool hits_next = next != taken_.end() && next->first < range.end;
    const bool hits_prev = next != taken_.begin() && std::prev(next)->second > range.start;
    if (range.empty() || range.end > device_bytes_ || hits_next || hits_prev) {
      return make_error(EUCLEAN,
                        "chunk {}: its stripe [{}, {}) overlaps another or leaves the device of {} bytes",
                        chunk.start, range.start, range.end, device_bytes_);
    }
    taken_.emplace(range.start, range.end);
    convertible_.clear();
  }
  return {};
}

void DeviceSpace::remove(const ChunkMapping& chunk) {
  convertible_.clear();
  for (const ChunkStripe& stripe : chunk.stripes) {
    const size_t erased = taken_.erase(stripe.physical);
    BF_ASSERT(erased == 1, "chunk {} has no stripe at {}", chunk.start, stripe.physical);
  }
}

template <class Visit>
void DeviceSpace::for_each_hole(Visit visit) const {
  uint64_t position = kDeviceReservedBytes;
  for (const auto& [start, end] : taken_) {
    if (start > position) visit(ByteRange{position, start});
    position = std::max(position, end);
  }
  const uint64_t device_end = round_down(device_bytes_, kStripeLen);
  if (device_end > position) visit(ByteRange{position, device_end});
}

std::optional<ByteRange> DeviceSpace::find_hole(uint64_t bytes) const {
  std::optional<ByteRange> best;
  bool found = false;
  for_each_hole([&](ByteRange hole) {
    hole.start = round_up(hole.start, kStripeLen);
    if (found || hole.empty()) return;
    if (!best || hole.length() > best->length()) best = hole;
    found = hole.length() >= bytes;
    if (found) best = hole;
  });
  return best;
}

uint64_t DeviceSpace::convertible_bytes(int copies) const {
  const auto [known, unknown] = convertible_.try_emplace(copies, 0);
  if (!unknown) return known->second;
  uint64_t& sum = known->second;
  for_each_hole([&](ByteRange hole) {
    hole.start = round_up(hole.start, kStripeLen);
    if (hole.empty()) return;
    const uint64_t bytes = round_down(hole.length() / copies, kStripeLen);
    if (bytes >= kMinChunkBytes) sum += bytes;
  });
  return sum;
}

}  // namespace butterfuse
