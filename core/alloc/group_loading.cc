// Loading a block group's free space when it is first needed.
#include <chrono>
#include <new>
#include <thread>

#include "core/alloc/free_space_loader.h"
#include "core/alloc/free_space_tree.h"
#include "core/alloc/space_allocator.h"
#include "core/base/log.h"

namespace butterfuse {
namespace {

constexpr int kScanAttempts = 100;
constexpr int kFailedScansMax = 200;  // in a row, of several groups: they are damaged, waiting won't help
constexpr uint64_t kSystemBytesLoaded = 1u << 20;

}  // namespace

// The tree is read under its shared lock, and the group is published before that lock goes: the tree, the
// queued changes and the pinned ranges are then of one moment, because a flush of the changes needs the
// exclusive lock.
Status SpaceAllocator::try_load_group(BlockGroup& group) {
  const ByteRange range = group.range();
  BF_TRY(FreeSpace::check_length(range));
  auto space = std::make_unique<FreeSpace>(range, sectorsize_);
  if (trees_.free_space != nullptr) {
    ReadCursor cursor(*trees_.free_space);
    BF_TRY(load_free_space_tree(cursor, range, sectorsize_, *space));
    MutexLock lock(mutex_);
    return adopt_free_space(group, std::move(space));
  }
  ReadCursor cursor(*trees_.extent);
  BF_TRY(scan_extent_tree(cursor, range, sectorsize_, nodesize_, *space));
  MutexLock lock(mutex_);
  return adopt_free_space(group, std::move(space));
}

Status SpaceAllocator::adopt_free_space(BlockGroup& group, std::unique_ptr<FreeSpace> space) {
  bool consistent = true;
  group.delta.for_each([&](ByteRange range, bool free) {
    consistent &= (free ? space->set_free(range) : space->set_used(range)) == range.length();
  });
  for (const ByteRange& mirror : group.super_mirrors) space->set_used(mirror);
  for (const auto& [transid, ranges] : pinned_) {
    for (const ByteRange& range : ranges) {
      if (group.range().contains(range)) space->set_used(range);
    }
  }
  const uint64_t free_bytes = space->free_bytes();
  if (!consistent || free_bytes != group.counters.free()) {
    return make_error(EUCLEAN, "block group {}: {} bytes are free by its items, {} by its used bytes",
                      group.start(), free_bytes, group.counters.free());
  }
  group.pool->set_loaded(group, std::move(space));
  group_loaded_.notify_all();
  return {};
}

// While the extent tree is scanned, an extent item may have gone whose note_extent_removed is still under
// way: the sums differ then, and a new try helps.
void SpaceAllocator::load_group(BlockGroup& group) {
  try {
    load_or_set_damaged(group);
  } catch (const std::bad_alloc&) {  // whoever waits may have more luck
    MutexLock lock(mutex_);
    group.loading = BlockGroup::Loading::unloaded;
    group_loaded_.notify_all();
    throw;
  }
}

void SpaceAllocator::load_or_set_damaged(BlockGroup& group) {
  Status status = try_load_group(group);
  for (int attempt = 1; !status && trees_.free_space == nullptr && attempt < kScanAttempts; attempt++) {
    if (failed_scans_.fetch_add(1) >= kFailedScansMax) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(attempt, 20)));
    status = try_load_group(group);
  }
  if (status) {
    failed_scans_ = 0;
    return;
  }
  log(LogLevel::error, "nothing will be allocated from a damaged block group: {}", status.error().message);
  MutexLock lock(mutex_);
  group.pool->set_damaged(group);
  group_loaded_.notify_all();
}

void SpaceAllocator::load_until(SpaceClass space, uint64_t bytes) {
  while (true) {
    BlockGroup* group = nullptr;
    {
      MutexLock lock(mutex_);
      SpacePool& pool = pool_of(space);
      if (pool.loaded_free() >= bytes) return;
      group = pool.unloaded_group(0);
      if (group == nullptr && !pool.any_loading()) return;
      if (group == nullptr) {
        group_loaded_.wait(lock);
        continue;
      }
      group->loading = BlockGroup::Loading::loading;
    }
    load_group(*group);
  }
}

// alloc_tree_block can't load (its caller may hold the very tree's lock), so the space it will want is loaded
// before.
void SpaceAllocator::load_metadata_groups(uint64_t bytes) {
  load_until(SpaceClass::metadata, bytes);
  load_until(SpaceClass::system, kSystemBytesLoaded);
}

}  // namespace butterfuse
