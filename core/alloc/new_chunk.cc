// New chunks: made in memory at once, so that their space can be promised and used; the items follow later.
#include <algorithm>
#include <limits>

#include "core/alloc/chunk_allocator.h"
#include "core/alloc/chunk_items.h"
#include "core/alloc/space_allocator.h"
#include "core/base/log.h"

namespace butterfuse {
namespace {

constexpr uint64_t kSystemFreeBytes =
    1u << 20;  // enough to copy every path of a chunk tree that a commit touches
constexpr uint64_t kSystemLeastBlocks = 16;

}  // namespace

// False when the device has no hole for it, or what is left must stay for promised metadata.
bool SpaceAllocator::grow(SpacePool& pool) {
  note_lost_devices();
  const SpaceCounters& system = system_->counters();
  if (&pool != system_ && system.free() < std::max(kSystemFreeBytes, system.used)) {
    grow_system();
  }
  // Data must not eat the last device space while metadata runs out: its share comes first.
  if (&pool == data_ && &pool != metadata_ && metadata_is_tight()) {
    make_chunk(*metadata_, wanted_bytes(*metadata_));
  }
  const bool device_full = device_space_.convertible_bytes(pool.profile()) == 0;
  const uint64_t wanted = device_full ? 0 : wanted_bytes(pool);
  for (uint64_t bytes = wanted; bytes >= kMinChunkBytes; bytes /= 2) {
    if (make_chunk(pool, bytes)) return true;
  }
  starving_ = &pool;
  return false;
}

void SpaceAllocator::note_lost_devices() {
  for (const MemberDevice* device : volume_.members())
    if (device->lost) device_space_.set_lost(device->devid);
}

void SpaceAllocator::grow_system() {
  for (uint64_t bytes = wanted_bytes(*system_); bytes >= kMinChunkBytes; bytes /= 2)
    if (make_chunk(*system_, bytes)) return;
}

uint64_t SpaceAllocator::wanted_bytes(const SpacePool& pool) const {
  return wanted_chunk_bytes(pool.type(), device_space_.usable_bytes(),
                            data_stripes_of(pool.profile(), device_space_.usable_devices()));
}

bool SpaceAllocator::make_chunk(SpacePool& pool, uint64_t max_bytes) {
  const uint64_t logical = round_up(next_logical_, kStripeLen);
  const uint64_t type = pool.type() | pool.profile();
  std::optional<ChunkMapping> plan = plan_chunk(device_space_, type, logical, max_bytes);
  if (!plan || (&pool == system_ && !sys_chunk_array_has_room(*plan))) return false;
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
  next_logical_ = logical + plan->length;
  add_new_group(volume_.chunk_at(logical));
  return true;
}

bool SpaceAllocator::leaves_room_for_metadata(const SpacePool& grown) const {
  if (&grown == metadata_) return true;
  const bool no_other_way = &grown == system_ && system_->counters().free() < kSystemLeastBlocks * nodesize_;
  return no_other_way || metadata_room() >= metadata_need();
}

bool SpaceAllocator::sys_chunk_array_has_room(const ChunkMapping& chunk) const {
  uint64_t bytes = sys_chunk_bytes(chunk);
  for (const BlockGroup* group : system_->groups()) bytes += sys_chunk_bytes(*group->chunk);
  return bytes <= kSysChunkArrayBytes;
}

void SpaceAllocator::add_new_group(std::shared_ptr<const ChunkMapping> chunk) {
  auto group = std::make_unique<BlockGroup>(std::move(chunk), 0);
  auto space = std::make_unique<FreeSpace>(group->range(), sectorsize_);
  space->set_free(group->range());
  for (const ByteRange& mirror : group->super_mirrors) space->set_used(mirror);
  group->items = BlockGroup::Items::pending;
  SpacePool& pool = pool_for_type(group->chunk->type);
  pool.add(group.get());
  pool.set_loaded(*group, std::move(space));
  log(LogLevel::debug, "new chunk {} length {} type {:#x}", group->start(), group->chunk->length,
      group->chunk->type);
  groups_.emplace(group->start(), std::move(group));
}

}  // namespace butterfuse
