// SPDX-License-Identifier: GPL-2.0-or-later
// ChunkMaker: which pool gets device space, and how much must be left for whom.
#include "core/alloc/chunk_maker.h"

#include <algorithm>
#include <limits>

#include "core/base/log.h"
#include "core/chunk/chunk_items.h"
#include "core/chunk/chunk_plan.h"

namespace butterfuse {
namespace {

// Enough to copy every path of a chunk tree that a commit touches.
constexpr uint64_t kSystemFreeBytes = 1u << 20;
constexpr uint64_t kSystemLeastBlocks = 16;  // with fewer left, a system chunk comes before promised metadata

}  // namespace

bool ChunkMaker::grow(SpacePool& pool) {
  note_lost_devices();
  SpacePool& system = groups_.system();
  const SpaceCounters& counters = system.counters();
  if (&pool != &system && counters.free() < std::max(kSystemFreeBytes, counters.used)) {
    make_chunk_of_any_size(system);
  }
  // Data must not eat the last device space while metadata runs out: its share comes first.
  if (&pool == &groups_.data() && !groups_.mixed() && promises_.metadata_is_tight()) {
    make_chunk(groups_.metadata(), wanted_bytes(groups_.metadata()));
  }
  const bool device_full = device_space_.convertible_bytes(pool.profile()) == 0;
  if (!device_full && make_chunk_of_any_size(pool)) return true;
  note_starving(pool);
  return false;
}

void ChunkMaker::note_lost_devices() {
  for (const MemberDevice* device : volume_.members())
    if (device->lost) device_space_.set_lost(device->devid);
}

uint64_t ChunkMaker::wanted_bytes(const SpacePool& pool) const {
  return wanted_chunk_bytes(pool.type(), device_space_.usable_bytes(),
                            data_stripes_of(pool.profile(), device_space_.usable_devices()));
}

bool ChunkMaker::make_chunk_of_any_size(SpacePool& pool) {
  for (uint64_t bytes = wanted_bytes(pool); bytes >= kMinChunkBytes; bytes /= 2)
    if (make_chunk(pool, bytes)) return true;
  return false;
}

bool ChunkMaker::make_chunk(SpacePool& pool, uint64_t max_bytes) {
  const uint64_t logical = round_up(next_logical_, kStripeLen);
  const uint64_t type = pool.type() | pool.profile();
  std::optional<ChunkMapping> plan = plan_chunk(device_space_, type, logical, max_bytes);
  if (!plan || (&pool == &groups_.system() && !sys_chunk_array_has_room(*plan))) return false;
  if (logical < next_logical_ || plan->length > std::numeric_limits<uint64_t>::max() - logical) return false;
  if (!device_space_.add(*plan)) return false;
  if (!leaves_room_for_metadata(pool)) {
    device_space_.remove(*plan);
    return false;
  }
  if (Status added = volume_.add_chunk(*plan); !added) {
    log(LogLevel::error, "new chunk {}: {}", logical, added.error().message);
    device_space_.remove(*plan);
    return false;
  }
  note_address_taken(ByteRange::at(logical, plan->length));
  add_group(volume_.chunk_at(logical));
  return true;
}

// The device space of the new chunk is taken already.
bool ChunkMaker::leaves_room_for_metadata(const SpacePool& grown) const {
  if (&grown == &groups_.metadata()) return true;
  const SpacePool& system = groups_.system();
  const bool no_other_way =
      &grown == &system && system.counters().free() < kSystemLeastBlocks * volume_.nodesize();
  return no_other_way || promises_.metadata_room() >= promises_.metadata_need();
}

bool ChunkMaker::sys_chunk_array_has_room(const ChunkMapping& chunk) const {
  uint64_t bytes = sys_chunk_bytes(chunk);
  for (const BlockGroup* group : groups_.system().groups()) bytes += sys_chunk_bytes(*group->chunk);
  return bytes <= kSysChunkArrayBytes;
}

void ChunkMaker::add_group(std::shared_ptr<const ChunkMapping> chunk) {
  auto group = std::make_unique<BlockGroup>(std::move(chunk), 0);
  auto space = std::make_unique<FreeSpace>(group->range(), volume_.sectorsize());
  space->set_free(group->range());
  for (const ByteRange& mirror : group->super_mirrors) space->set_used(mirror);
  group->items = BlockGroup::Items::pending;
  BlockGroup& added = groups_.add(std::move(group));
  added.pool->set_loaded(added, std::move(space));
  log(LogLevel::debug, "new chunk {} length {} type {:#x}", added.start(), added.chunk->length,
      added.chunk->type);
}

void ChunkMaker::bury(const ChunkMapping& chunk) {
  volume_.remove_chunk(chunk.start);
  device_space_.remove(chunk);
}

}  // namespace butterfuse
