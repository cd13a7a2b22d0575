// SPDX-License-Identifier: GPL-2.0-or-later
// Chunk plan: the sizing rules of the kernel's decide_stripe_size, in numbers.
#include "core/chunk/chunk_plan.h"

#include <algorithm>
#include <vector>

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

uint64_t wanted_chunk_bytes(uint64_t type, uint64_t device_bytes, uint64_t data_stripes) {
  uint64_t limit = type_limit(type, device_bytes);
  if (type & bg::kData) limit = std::min(limit * data_stripes, 10 * kGiB);
  const uint64_t tenth = round_up(device_bytes / 10, 16 * kMiB);
  return std::max(kMinChunkBytes, round_down(std::min(limit, tenth), kStripeLen));
}

uint64_t data_stripes_of(uint64_t type, uint64_t devices) {
  const RaidProfile& profile = raid_profile(type);
  if (!profile.striped()) return 1;
  const uint64_t stripes = round_down(devices, profile.device_step);
  return std::max<uint64_t>(1, (stripes - std::min<uint64_t>(stripes, profile.parity)) / profile.copies);
}

namespace {

struct Candidate {
  const DeviceHoles* device;
  uint64_t start;  // of its hole
  uint64_t room;   // for one stripe
};

std::vector<Candidate> candidates_for(const DeviceSpace& space, const RaidProfile& profile, uint64_t stripe) {
  std::vector<Candidate> candidates;
  for (const DeviceHoles& device : space.devices()) {
    if (!device.usable() || (device.lost() && profile.tolerated == 0)) continue;
    const std::optional<ByteRange> hole = device.find(stripe * profile.device_stripes);
    if (!hole) continue;
    const uint64_t room = round_down(hole->length() / profile.device_stripes, kStripeLen);
    if (room >= kMinChunkBytes) candidates.push_back({&device, hole->start, room});
  }
  // As the kernel: where a whole stripe fits first, then the emptier device. Before all, those that live.
  std::ranges::stable_sort(candidates, [&](const Candidate& a, const Candidate& b) {
    if (a.device->lost() != b.device->lost()) return b.device->lost();
    const uint64_t fits_a = std::min(a.room, stripe), fits_b = std::min(b.room, stripe);
    if (fits_a != fits_b) return fits_a > fits_b;
    return a.device->bytes() - a.device->taken_bytes() > b.device->bytes() - b.device->taken_bytes();
  });
  const auto living = static_cast<size_t>(
      std::ranges::count_if(candidates, [](const Candidate& it) { return !it.device->lost(); }));
  candidates.resize(std::min(candidates.size(), living + static_cast<size_t>(profile.tolerated)),
                    Candidate{nullptr, 0, 0});
  return candidates;
}

}  // namespace

std::optional<ChunkMapping> plan_chunk(const DeviceSpace& space, uint64_t type, uint64_t logical,
                                       uint64_t max_bytes) {
  const RaidProfile& profile = raid_profile(type);
  const uint64_t wanted_data = data_stripes_of(type, space.usable_devices());
  const uint64_t wanted = std::max(kMinChunkBytes, round_down(max_bytes / wanted_data, kStripeLen));
  const std::vector<Candidate> candidates = candidates_for(space, profile, wanted);
  uint64_t count = round_down(candidates.size(), profile.device_step);
  if (profile.max_devices != 0) count = std::min<uint64_t>(count, profile.max_devices);
  if (count < static_cast<uint64_t>(profile.min_devices)) return std::nullopt;
  uint64_t room = candidates[0].room;
  for (uint64_t i = 1; i < count; ++i) room = std::min(room, candidates[i].room);
  uint64_t stripe_bytes = std::min(wanted, room);
  if (room - stripe_bytes < kMinChunkBytes) stripe_bytes = room;  // a rest of no use for another chunk
  ChunkMapping chunk;
  chunk.start = logical;
  chunk.length = stripe_bytes * data_stripes_of(type, count);
  chunk.type = type;
  for (uint64_t i = 0; i < count; ++i) {
    for (int on_device = 0; on_device < profile.device_stripes; ++on_device) {
      ChunkStripe stripe;
      stripe.devid = candidates[i].device->devid();
      stripe.physical = candidates[i].start + static_cast<uint64_t>(on_device) * stripe_bytes;
      stripe.dev_uuid = candidates[i].device->uuid();
      chunk.stripes.push_back(stripe);
    }
  }
  return chunk;
}

}  // namespace butterfuse
