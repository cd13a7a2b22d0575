// Trim: telling the devices which space is free, a bounded piece at a time.
#include <algorithm>

#include "core/alloc/space_allocator.h"
#include "core/volume/super_places.h"

namespace butterfuse {
namespace {

constexpr uint64_t kPieceBytes = 64u << 20;  // out of reach of allocations while it is discarded
constexpr uint64_t kHoleBytes = 1u << 30;
constexpr uint64_t kLeastHoleBytes = 1u << 20;  // shorter ones make no chunk

}  // namespace

std::vector<uint64_t> SpaceAllocator::group_starts() const {
  MutexLock lock(mutex_);
  std::vector<uint64_t> starts;
  for (const auto& [start, group] : groups_) starts.push_back(start);
  return starts;
}

// What is being discarded is out of reach, so promised space is not, and of the rest only the half.
uint64_t SpaceAllocator::piece_to_trim(const SpacePool& pool) const {
  const uint64_t free = pool.counters().free();
  const uint64_t need = pool_need(pool, TreePromises::Of::everything);
  const uint64_t spare = free > need ? (free - need) / 2 : 0;
  return round_down(std::min(spare, kPieceBytes), sectorsize_);
}

// Takes the next free run of the group at or behind `from` that is long enough; empty: none is left.
ByteRange SpaceAllocator::take_run_to_trim(uint64_t group_start, ByteRange range, uint64_t min_bytes) {
  MutexLock lock(mutex_);
  const auto slot = groups_.find(group_start);
  if (slot == groups_.end() || !slot->second->loaded()) return {};
  ByteRange found;
  slot->second->free_space->for_each_run([&](ByteRange run) {
    run = run.intersection(range);
    if (found.empty() && !run.empty() && run.length() >= min_bytes) found = run;
  });
  found.end = std::min(found.end, found.start + piece_to_trim(*slot->second->pool));
  if (!found.empty()) take(found);
  return found;
}

uint64_t SpaceAllocator::trim_group(uint64_t group_start, ByteRange range, uint64_t min_bytes) {
  BlockGroup* to_load = nullptr;
  {
    MutexLock lock(mutex_);
    const auto slot = groups_.find(group_start);
    if (slot == groups_.end()) return 0;
    range = range.intersection(slot->second->range());
    if (!range.empty() && slot->second->loading == BlockGroup::Loading::unloaded) {
      to_load = slot->second.get();
      to_load->loading = BlockGroup::Loading::loading;
    }
  }
  if (to_load != nullptr) load_group(*to_load);
  uint64_t bytes = 0;
  while (!range.empty()) {
    const ByteRange run = take_run_to_trim(group_start, range, min_bytes);
    if (run.empty()) break;
    volume_.discard(run.start, run.length());
    release_reserved(run);
    bytes += run.length();
    range.start = run.end;
  }
  return bytes;
}

// Promised metadata may be device space that becomes block groups only in the commit: so much is left.
SpaceAllocator::HeldHole SpaceAllocator::hold_hole_to_trim(uint64_t devid, uint64_t from) {
  MutexLock lock(mutex_);
  ByteRange hole;
  for (const DeviceHoles& device : device_space_.devices())
    if (device.devid() == devid) hole = device.next_hole(from, kHoleBytes);
  while (!hole.empty()) {
    device_space_.hold_hole(devid, hole);
    if (metadata_room() >= metadata_pool_need({})) return {hole, true};
    device_space_.give_back_hole(devid, hole.start);
    if (hole.length() < 2 * kLeastHoleBytes) break;
    hole.end = hole.start + round_down(hole.length() / 2, sectorsize_);
  }
  return {hole, false};
}

uint64_t SpaceAllocator::trim_holes(const MemberDevice& member, uint64_t min_bytes) {
  uint64_t bytes = 0;
  for (uint64_t from = 0;;) {
    const auto [hole, held] = hold_hole_to_trim(member.devid, from);
    if (hole.empty()) return bytes;
    from = hole.end;
    if (!held) continue;
    if (hole.length() >= min_bytes) {
      discard_around_supers(*member.device, hole);
      bytes += hole.length();
    }
    MutexLock lock(mutex_);
    device_space_.give_back_hole(member.devid, hole.start);
  }
}

uint64_t SpaceAllocator::trim(ByteRange range, uint64_t min_bytes) {
  uint64_t bytes = 0;
  for (const uint64_t start : group_starts())
    bytes += trim_group(start, range, std::max<uint64_t>(min_bytes, 1));
  if (range.end < volume_.super().total_bytes) return bytes;
  for (const MemberDevice* member : volume_.members())
    if (member->writable()) bytes += trim_holes(*member, min_bytes);
  return bytes;
}

}  // namespace butterfuse
