// Block group commit: bringing free space tree and block group items up to date.
#include <algorithm>

#include "core/alloc/block_group_items.h"
#include "core/alloc/free_space_tree.h"
#include "core/alloc/old_space_caches.h"
#include "core/alloc/space_allocator.h"

namespace butterfuse {

Result<bool> SpaceAllocator::write_block_group_items(CowContext& context) {
  bool changed = false;
  BF_TRY(give_up_changed_caches(context, &changed));
  BF_TRY(flush_free_space(context, &changed));
  BF_TRY(write_used(context, &changed));
  MutexLock lock(mutex_);
  for (const auto& [start, group] : groups_) {
    changed |= group->items != BlockGroup::Items::inserted && group->counters.used > 0;
  }
  return changed;
}

// Before write_used forgets which groups have changed.
Status SpaceAllocator::give_up_changed_caches(CowContext& context, bool* changed) {
  std::vector<uint64_t> groups;
  {
    MutexLock lock(mutex_);
    if (old_space_caches_.empty()) return {};
    std::ranges::set_intersection(old_space_caches_, dirty_groups_, std::back_inserter(groups));
  }
  *changed |= !groups.empty();
  return give_up_caches_of(context, groups);
}

Status SpaceAllocator::give_up_caches_of(CowContext& context, const std::vector<uint64_t>& groups) {
  for (const uint64_t group : groups) {
    BF_TRY(give_up_old_space_cache(context, *trees_.root, group));
    MutexLock lock(mutex_);
    old_space_caches_.erase(group);
  }
  return {};
}

Result<bool> SpaceAllocator::give_up_old_space_caches(CowContext& context, size_t at_most) {
  std::vector<uint64_t> groups;
  {
    MutexLock lock(mutex_);
    std::ranges::copy_n(old_space_caches_.begin(),
                        static_cast<ptrdiff_t>(std::min(at_most, old_space_caches_.size())),
                        std::back_inserter(groups));
  }
  BF_TRY(give_up_caches_of(context, groups));
  return has_old_space_caches();
}

bool SpaceAllocator::has_old_space_caches() const {
  MutexLock lock(mutex_);
  return !old_space_caches_.empty();
}

// The queue of a group is taken under the tree's exclusive lock: see try_load_group.
Status SpaceAllocator::flush_free_space(CowContext& context, bool* changed) {
  if (trees_.free_space == nullptr) return {};
  std::vector<uint64_t> starts;
  {
    MutexLock lock(mutex_);
    queued_changes_ = 0;
    for (const uint64_t start : dirty_groups_) {
      const BlockGroup& group = *groups_.at(start);
      if (group.items == BlockGroup::Items::inserted && !group.delta.empty()) starts.push_back(start);
    }
  }
  for (const uint64_t start : starts) {
    WriteCursor cursor(*trees_.free_space, context);
    FreeSpaceDelta delta;
    ByteRange range;
    {
      MutexLock lock(mutex_);
      const auto it = groups_.find(start);
      if (it == groups_.end()) continue;
      std::swap(delta, it->second->delta);
      range = it->second->range();
    }
    if (delta.empty()) continue;
    FreeSpaceTreeEdit edit(cursor, range, sectorsize_);
    BF_TRY(edit.begin());
    Status status;
    delta.for_each([&](ByteRange piece, bool free) {
      if (status) status = free ? edit.add(piece) : edit.remove(piece);
    });
    BF_TRY(std::move(status));
    BF_TRY(edit.finish());
    *changed = true;
  }
  return {};
}

Status SpaceAllocator::write_used(CowContext& context, bool* changed) {
  struct Change {
    ByteRange group;
    uint64_t used;
  };
  std::vector<Change> changes;
  {
    MutexLock lock(mutex_);
    for (auto it = dirty_groups_.begin(); it != dirty_groups_.end();) {
      BlockGroup& group = *groups_.at(*it);
      if (group.items != BlockGroup::Items::inserted) {
        ++it;
        continue;
      }
      if (group.used_on_disk != group.counters.used) changes.push_back({group.range(), group.counters.used});
      group.used_on_disk = group.counters.used;
      it = group.delta.empty() ? dirty_groups_.erase(it) : std::next(it);
    }
  }
  if (changes.empty()) return {};
  WriteCursor cursor(*trees_.block_group, context);
  for (const Change& change : changes) BF_TRY(update_block_group_item(cursor, change.group, change.used));
  *changed = true;
  return {};
}

}  // namespace butterfuse
