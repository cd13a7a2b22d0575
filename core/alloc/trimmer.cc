// SPDX-License-Identifier: GPL-2.0-or-later
// Trimmer: free runs of groups, then the holes between chunks.
#include "core/alloc/trimmer.h"

#include <algorithm>

#include "core/volume/super_places.h"

namespace butterfuse {
namespace {

constexpr uint64_t kPieceBytes = 64u << 20;  // out of reach of allocations while it is discarded
constexpr uint64_t kHoleBytes = 1u << 30;    // the same for device space, which nothing but new chunks wants
constexpr uint64_t kLeastHoleBytes = 1u << 20;  // shorter ones make no chunk

// What is being discarded is out of reach, so promised space is not, and of the rest only the half.
uint64_t piece_to_trim(AllocatorState& state, const SpacePool& pool) BF_REQUIRES(state.mutex) {
  const uint64_t free = pool.counters().free();
  const uint64_t need = state.promises.pool_need(pool, Promises::Of::everything);
  const uint64_t spare = free > need ? (free - need) / 2 : 0;
  return round_down(std::min(spare, kPieceBytes), state.sectorsize);
}

// Takes the first free run of the group in `range` that is long enough; empty: none is left.
ByteRange take_run_to_trim(AllocatorState& state, uint64_t group_start, ByteRange range, uint64_t min_bytes)
    BF_EXCLUDES(state.mutex) {
  MutexLock lock(state.mutex);
  BlockGroup* group = state.groups.starting_at(group_start);
  if (group == nullptr || !group->loaded()) return {};
  ByteRange found;
  group->free_space->for_each_run([&](ByteRange run) {
    run = run.intersection(range);
    if (found.empty() && !run.empty() && run.length() >= min_bytes) found = run;
  });
  found.end = std::min(found.end, found.start + piece_to_trim(state, *group->pool));
  if (!found.empty()) state.runs.take(found);
  return found;
}

struct HeldHole {
  ByteRange range;    // empty: there is none
  bool held = false;  // out of reach until given back; else it must stay where it is
};

// Promised metadata may be device space that becomes block groups only in the commit: so much is left.
HeldHole hold_hole(AllocatorState& state, uint64_t devid, uint64_t from) BF_EXCLUDES(state.mutex) {
  MutexLock lock(state.mutex);
  ByteRange hole;
  for (const DeviceHoles& device : state.device_space.devices())
    if (device.devid() == devid) hole = device.next_hole(from, kHoleBytes);
  while (!hole.empty()) {
    state.device_space.hold_hole(devid, hole);
    if (state.promises.metadata_room() >= state.promises.metadata_pool_need()) return {hole, true};
    state.device_space.give_back_hole(devid, hole.start);
    if (hole.length() < 2 * kLeastHoleBytes) break;
    hole.end = hole.start + round_down(hole.length() / 2, state.sectorsize);
  }
  return {hole, false};
}

uint64_t trim_holes(AllocatorState& state, const MemberDevice& member, uint64_t min_bytes)
    BF_EXCLUDES(state.mutex) {
  uint64_t bytes = 0;
  for (uint64_t from = 0;;) {
    const auto [hole, held] = hold_hole(state, member.devid, from);
    if (hole.empty()) return bytes;
    from = hole.end;
    if (!held) continue;
    if (hole.length() >= min_bytes) {
      discard_around_supers(*member.device, hole);
      bytes += hole.length();
    }
    MutexLock lock(state.mutex);
    state.device_space.give_back_hole(member.devid, hole.start);
  }
}

}  // namespace

uint64_t Trimmer::trim_group(AllocatorState& state, uint64_t group_start, ByteRange range,
                             uint64_t min_bytes) {
  BlockGroup* to_load = nullptr;
  {
    MutexLock lock(state.mutex);
    BlockGroup* group = state.groups.starting_at(group_start);
    if (group == nullptr) return 0;
    range = range.intersection(group->range());
    if (!range.empty() && group->loading == BlockGroup::Loading::unloaded) {
      to_load = group;
      to_load->loading = BlockGroup::Loading::loading;
    }
  }
  if (to_load != nullptr) loader_.load(state, *to_load);
  uint64_t bytes = 0;
  while (!range.empty()) {
    const ByteRange run = take_run_to_trim(state, group_start, range, min_bytes);
    if (run.empty()) break;
    state.volume.discard(run.start, run.length());
    {
      MutexLock lock(state.mutex);
      state.runs.give_back(run);
    }
    bytes += run.length();
    range.start = run.end;
  }
  return bytes;
}

uint64_t Trimmer::trim(AllocatorState& state, ByteRange range, uint64_t min_bytes) {
  std::vector<uint64_t> starts;
  {
    MutexLock lock(state.mutex);
    starts = state.groups.starts();
  }
  uint64_t bytes = 0;
  for (const uint64_t start : starts)
    bytes += trim_group(state, start, range, std::max<uint64_t>(min_bytes, 1));
  if (range.end < state.volume.super().total_bytes) return bytes;
  for (const MemberDevice* member : state.volume.members())
    if (member->writable()) bytes += trim_holes(state, *member, min_bytes);
  return bytes;
}

}  // namespace butterfuse
