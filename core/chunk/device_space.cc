// SPDX-License-Identifier: GPL-2.0-or-later
// DeviceSpace: the holes between device extents, and what chunks of a profile could be made of them.
#include "core/chunk/device_space.h"

#include <algorithm>
#include <queue>

#include "core/base/assert.h"

namespace butterfuse {

bool DeviceHoles::take(ByteRange range) {
  auto next = taken_.lower_bound(range.start);
  const bool hits_next = next != taken_.end() && next->first < range.end;
  const bool hits_prev = next != taken_.begin() && std::prev(next)->second > range.start;
  if (range.empty() || range.end > bytes_ || hits_next || hits_prev) return false;
  taken_.emplace(range.start, range.end);
  taken_bytes_ += range.length();
  return true;
}

void DeviceHoles::give_back(uint64_t start) {
  const auto found = taken_.find(start);
  BF_ASSERT(found != taken_.end(), "device {} has no stripe at {}", devid_, start);
  taken_bytes_ -= found->second - found->first;
  taken_.erase(found);
}

template <class Visit>
void DeviceHoles::for_each_hole(Visit visit) const {
  uint64_t position = kDeviceReservedBytes;
  const auto visit_aligned = [&](uint64_t end) {
    const ByteRange hole{round_up(position, kStripeLen), end};
    if (!hole.empty()) visit(hole);
  };
  for (const auto& [start, end] : taken_) {
    visit_aligned(start);
    position = std::max(position, end);
  }
  visit_aligned(round_down(bytes_, kStripeLen));
}

std::optional<ByteRange> DeviceHoles::find(uint64_t bytes) const {
  std::optional<ByteRange> best;
  bool found = false;
  for_each_hole([&](ByteRange hole) {
    if (found) return;
    if (!best || hole.length() > best->length()) best = hole;
    found = hole.length() >= bytes;
    if (found) best = hole;
  });
  return best;
}

std::vector<uint64_t> DeviceHoles::lengths() const {
  std::vector<uint64_t> lengths;
  for_each_hole([&](ByteRange hole) { lengths.push_back(hole.length()); });
  return lengths;
}

ByteRange DeviceHoles::next_hole(uint64_t from, uint64_t at_most) const {
  ByteRange found;
  for_each_hole([&](ByteRange hole) {
    hole.start = std::max(hole.start, from);
    if (found.empty() && !hole.empty()) found = hole;
  });
  found.end = std::min(found.end, found.start + at_most);
  return found;
}

void DeviceSpace::hold_hole(uint64_t devid, ByteRange hole) {
  convertible_.clear();
  const bool held = device(devid)->take(hole);
  BF_ASSERT(held, "device {}: [{}, {}) is no hole", devid, hole.start, hole.end);
}

void DeviceSpace::give_back_hole(uint64_t devid, uint64_t start) {
  convertible_.clear();
  device(devid)->give_back(start);
}

void DeviceSpace::add_device(uint64_t devid, const Uuid& uuid, uint64_t bytes, bool usable) {
  const auto behind =
      std::ranges::find_if(devices_, [&](const DeviceHoles& other) { return other.devid() > devid; });
  devices_.insert(behind, DeviceHoles(devid, uuid, bytes, usable));
  convertible_.clear();
}

void DeviceSpace::set_lost(uint64_t devid) {
  DeviceHoles* holes = device(devid);
  if (holes == nullptr || holes->lost()) return;
  holes->set_lost();
  convertible_.clear();
}

DeviceHoles* DeviceSpace::device(uint64_t devid) {
  const auto found = std::ranges::find(devices_, devid, &DeviceHoles::devid);
  return found == devices_.end() ? nullptr : &*found;
}

Status DeviceSpace::add(const ChunkMapping& chunk) {
  convertible_.clear();
  for (const ChunkStripe& stripe : chunk.stripes) {
    DeviceHoles* holes = device(stripe.devid);
    const ByteRange range = ByteRange::at(stripe.physical, chunk.stripe_bytes());
    if (holes != nullptr && holes->take(range)) continue;
    return make_error(
        EUCLEAN, "chunk {}: its stripe [{}, {}) on device {} overlaps another or leaves the {} bytes of it",
        chunk.start, range.start, range.end, stripe.devid, holes == nullptr ? 0 : holes->bytes());
  }
  return {};
}

void DeviceSpace::remove(const ChunkMapping& chunk) {
  convertible_.clear();
  for (const ChunkStripe& stripe : chunk.stripes) device(stripe.devid)->give_back(stripe.physical);
}

uint64_t DeviceSpace::usable_bytes() const {
  uint64_t bytes = 0;
  for (const DeviceHoles& device : devices_) bytes += device.usable() ? device.bytes() : 0;
  return bytes;
}

uint64_t DeviceSpace::usable_devices() const {
  return static_cast<uint64_t>(std::ranges::count_if(devices_, &DeviceHoles::usable));
}

namespace {

// What is left of one device while chunks are laid out in thought, largest hole first.
using HoleQueue = std::priority_queue<uint64_t>;

// Chunks one after the other in the largest holes of the emptiest devices, none longer than a part of all, as
// the allocator would make them.
uint64_t striped_bytes(std::vector<HoleQueue> left, const RaidProfile& profile, uint64_t longest_stripe) {
  uint64_t sum = 0;
  while (true) {
    std::erase_if(left, [](const HoleQueue& it) { return it.empty() || it.top() < kMinChunkBytes; });
    std::ranges::stable_sort(left, std::greater<>(), [](const HoleQueue& it) { return it.top(); });
    uint64_t count = left.size() / profile.device_step * profile.device_step;
    if (profile.max_devices != 0) count = std::min<uint64_t>(count, profile.max_devices);
    if (count < static_cast<uint64_t>(profile.min_devices)) return sum;
    const uint64_t stripe = std::min(round_down(left[count - 1].top(), kStripeLen), longest_stripe);
    sum += stripe * ((count - profile.parity) / profile.copies);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t rest = left[i].top() - stripe;
      left[i].pop();
      left[i].push(rest);
    }
  }
}

}  // namespace

uint64_t DeviceSpace::convertible_bytes(uint64_t type) const {
  const RaidProfile& profile = raid_profile(type);
  const auto [known, unknown] = convertible_.try_emplace(profile.flag, 0);
  if (!unknown) return known->second;
  uint64_t& sum = known->second;
  uint64_t total = 0;
  std::vector<HoleQueue> left;
  int lost = 0;
  for (const DeviceHoles& device : devices_) {
    if (!device.usable() || (device.lost() && ++lost > profile.tolerated)) continue;
    left.emplace_back();
    for (uint64_t length : device.lengths()) {
      const uint64_t bytes = round_down(length / profile.device_stripes, kStripeLen);
      if (bytes < kMinChunkBytes) continue;
      left.back().push(length);
      total += bytes;
    }
  }
  if (profile.min_devices == 1 && profile.max_devices == 1) {
    sum = total;
  } else {
    constexpr uint64_t kParts = 64;  // bounds the steps of the layout, however large the devices are
    sum = striped_bytes(std::move(left), profile,
                        std::max(kMinChunkBytes, round_up(total / kParts, kStripeLen)));
  }
  return sum;
}

}  // namespace butterfuse
