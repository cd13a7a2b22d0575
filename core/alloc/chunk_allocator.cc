// ChunkAllocator: the sizing rules of the kernel's decide_stripe_size, in numbers.
#include "core/alloc/chunk_allocator.h"

#include <algorithm>
#include <cstring>

namespace butterfuse {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kSmallDeviceBytes = 50 * kGiB;

uint64_t type_limit(uint64_t type, uint64_t device_bytes) {
  if (type & bg::kData) return kGiB;
  if (type & bg::kMetadata) return device_bytes > kSmallDeviceBytes ? kGiB : 256 * kMiB;
  return 32 * kMiB;
}

}  // namespace

uint64_t wanted_chunk_bytes(uint64_t type, uint64_t device_bytes) {
  const uint64_t limit = type_limit(type, device_bytes);
  const uint64_t tenth = round_up(device_bytes / 10, 16 * kMiB);
  return std::max(kMinChunkBytes, round_down(std::min(limit, tenth), kStripeLen));
}

int copies_of_profile(uint64_t type) { return (type & bg::kDup) != 0 ? 2 : 1; }

std::optional<ChunkMapping> plan_chunk(const DeviceSpace& space, const DiskDevItem& device, uint64_t type,
                                       uint64_t logical, uint64_t max_bytes) {
  const uint64_t copies = copies_of_profile(type);
  const std::optional<ByteRange> hole = space.find_hole(max_bytes * copies);
  if (!hole) return std::nullopt;
  const uint64_t room = round_down(hole->length() / copies, kStripeLen);
  uint64_t length = std::min(round_down(max_bytes, kStripeLen), room);
  if (room - length < kMinChunkBytes) length = room;  // a rest too small for a chunk of its own would be lost
  if (length < kMinChunkBytes) return std::nullopt;
  ChunkMapping chunk;
  chunk.start = logical;
  chunk.length = length;
  chunk.type = type;
  for (uint64_t copy = 0; copy < copies; copy++) {
    ChunkStripe stripe;
    stripe.devid = device.devid;
    stripe.physical = hole->start + copy * length;
    std::memcpy(stripe.dev_uuid.bytes.data(), device.uuid, sizeof(device.uuid));
    chunk.stripes.push_back(stripe);
  }
  return chunk;
}

}  // namespace butterfuse
