// SPDX-License-Identifier: GPL-2.0-or-later
// GroupLoader: reading the tree, and making what was read one with what has changed meanwhile.
#include "core/alloc/group_loader.h"

#include <chrono>
#include <new>
#include <thread>

#include "core/base/log.h"
#include "core/free_space/free_space_loader.h"
#include "core/free_space/free_space_tree.h"

namespace butterfuse {
namespace {

// With the waits between them not quite two seconds, for whoever is about to tell of an extent that went.
constexpr int kScanAttempts = 100;
constexpr int kFailedScansMax = 200;  // in a row, of several groups: they are damaged, waiting won't help
constexpr uint64_t kSystemBytesLoaded = 1u << 20;  // as much as ChunkMaker keeps free of it

// EUCLEAN when the sums differ.
Status adopt_free_space(AllocatorState& state, BlockGroup& group, std::unique_ptr<FreeSpace> space)
    BF_REQUIRES(state.mutex) {
  bool consistent = true;
  group.delta.for_each([&](ByteRange range, bool free) {
    consistent &= (free ? space->set_free(range) : space->set_used(range)) == range.length();
  });
  for (const ByteRange& mirror : group.super_mirrors) space->set_used(mirror);
  state.pins.take_out_of(*space);
  const uint64_t free_bytes = space->free_bytes();
  if (!consistent || free_bytes != group.counters.free()) {
    return make_error(EUCLEAN, "block group {}: {} bytes are free by its items, {} by its used bytes",
                      group.start(), free_bytes, group.counters.free());
  }
  group.pool->set_loaded(group, std::move(space));
  state.group_loaded.notify_all();
  return {};
}

// The tree is read under its shared lock, and the group is published before that lock goes: the tree, the
// queued changes and the pinned ranges are then of one moment, because writing the changes needs the
// exclusive lock.
Status try_load(AllocatorState& state, BlockGroup& group) BF_EXCLUDES(state.mutex) {
  const ByteRange range = group.range();
  BF_TRY(FreeSpace::check_length(range));
  auto space = std::make_unique<FreeSpace>(range, state.sectorsize);
  if (state.trees.free_space != nullptr) {
    ReadCursor cursor(*state.trees.free_space);
    BF_TRY(load_free_space_tree(cursor, range, state.sectorsize, *space));
    MutexLock lock(state.mutex);
    return adopt_free_space(state, group, std::move(space));
  }
  ReadCursor cursor(*state.trees.extent);
  BF_TRY(scan_extent_tree(cursor, range, state.sectorsize, state.nodesize, *space));
  MutexLock lock(state.mutex);
  return adopt_free_space(state, group, std::move(space));
}

}  // namespace

void GroupLoader::load(AllocatorState& state, BlockGroup& group) {
  try {
    load_or_set_damaged(state, group);
  } catch (const std::bad_alloc&) {  // whoever waits may have more luck
    MutexLock lock(state.mutex);
    group.loading = BlockGroup::Loading::unloaded;
    state.group_loaded.notify_all();
    throw;
  }
}

// While the extent tree is scanned, an extent item may have gone whose note_extent_removed is still under
// way: the sums differ then, and a new try helps.
void GroupLoader::load_or_set_damaged(AllocatorState& state, BlockGroup& group) {
  Status status = try_load(state, group);
  for (int attempt = 1; !status && state.trees.free_space == nullptr && attempt < kScanAttempts; attempt++) {
    if (failed_scans_.fetch_add(1) >= kFailedScansMax) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(attempt, 20)));
    status = try_load(state, group);
  }
  if (status) {
    failed_scans_ = 0;
    return;
  }
  log(LogLevel::error, "nothing will be allocated from a damaged block group: {}", status.error().message);
  MutexLock lock(state.mutex);
  group.pool->set_damaged(group);
  state.group_loaded.notify_all();
}

void GroupLoader::load_until(AllocatorState& state, SpaceClass space, uint64_t bytes) {
  while (true) {
    BlockGroup* group = nullptr;
    {
      MutexLock lock(state.mutex);
      SpacePool& pool = state.groups.pool_of(space);
      if (pool.loaded_free() >= bytes) return;
      group = pool.unloaded_group(0);
      if (group == nullptr && !pool.any_loading()) return;
      if (group == nullptr) {
        state.group_loaded.wait(lock);
        continue;
      }
      group->loading = BlockGroup::Loading::loading;
    }
    load(state, *group);
  }
}

void GroupLoader::load_for_tree_blocks(AllocatorState& state, uint64_t bytes) {
  load_until(state, SpaceClass::metadata, bytes);
  load_until(state, SpaceClass::system, kSystemBytesLoaded);
}

}  // namespace butterfuse
