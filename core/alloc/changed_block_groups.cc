// SPDX-License-Identifier: GPL-2.0-or-later
// Changed block groups: bringing the free space tree and block group items up to date.
#include <algorithm>

#include "core/alloc/group_items.h"
#include "core/chunk/block_group_items.h"
#include "core/free_space/free_space_tree.h"

namespace butterfuse {
namespace {

// Dirty groups that have their items, and changes of free space to write.
std::vector<uint64_t> groups_with_deltas(const AllocatorState& state) BF_REQUIRES(state.mutex) {
  std::vector<uint64_t> starts;
  for (const uint64_t start : state.dirty.starts()) {
    const BlockGroup& group = *state.groups.starting_at(start);
    if (group.items == BlockGroup::Items::inserted && !group.delta.empty()) starts.push_back(start);
  }
  return starts;
}

Status write_delta(WriteCursor& cursor, ByteRange group, const FreeSpaceDelta& delta, uint32_t sectorsize) {
  FreeSpaceTreeEdit edit(cursor, group, sectorsize);
  BF_TRY(edit.begin());
  Status status;
  delta.for_each([&](ByteRange piece, bool free) {
    if (status) status = free ? edit.add(piece) : edit.remove(piece);
  });
  BF_TRY(std::move(status));
  return edit.finish();
}

struct UsedChange {
  ByteRange group;
  uint64_t used;
};

// Of groups that have their items. They are dirty no more, but for those whose free space is.
std::vector<UsedChange> take_used_changes(AllocatorState& state) BF_REQUIRES(state.mutex) {
  std::vector<UsedChange> changes;
  const std::set<uint64_t> starts = state.dirty.starts();
  for (const uint64_t start : starts) {
    BlockGroup& group = *state.groups.starting_at(start);
    if (group.items != BlockGroup::Items::inserted) continue;
    if (group.used_on_disk != group.counters.used) changes.push_back({group.range(), group.counters.used});
    group.used_on_disk = group.counters.used;
    if (group.delta.empty()) state.dirty.forget(start);
  }
  return changes;
}

Result<bool> write_used(AllocatorState& state, CowContext& context) BF_EXCLUDES(state.mutex) {
  std::vector<UsedChange> changes;
  {
    MutexLock lock(state.mutex);
    changes = take_used_changes(state);
  }
  if (changes.empty()) return false;
  WriteCursor cursor(*state.trees.block_group, context);
  for (const UsedChange& change : changes) BF_TRY(update_block_group_item(cursor, change.group, change.used));
  return true;
}

}  // namespace

Result<bool> GroupItems::write_changed(AllocatorState& state, CowContext& context) {
  BF_ASSIGN(bool changed, give_up_changed_caches(state, context));
  BF_ASSIGN(const bool free_space_changed, write_free_space(state, context));
  BF_ASSIGN(const bool used_changed, write_used(state, context));
  changed |= free_space_changed || used_changed;
  MutexLock lock(state.mutex);
  for (const auto& [start, group] : state.groups.by_start()) {
    changed |= group->items != BlockGroup::Items::inserted && group->counters.used > 0;
  }
  return changed;
}

// Before write_used forgets which groups have changed.
Result<bool> GroupItems::give_up_changed_caches(AllocatorState& state, CowContext& context) {
  if (!old_caches_.any()) return false;
  std::vector<uint64_t> starts;
  {
    MutexLock lock(state.mutex);
    starts.assign(state.dirty.starts().begin(), state.dirty.starts().end());
  }
  return old_caches_.give_up(context, *state.trees.root, starts);
}

// The delta of a group is taken under the tree's exclusive lock: see GroupLoader.
Result<bool> GroupItems::write_free_space(AllocatorState& state, CowContext& context) {
  if (state.trees.free_space == nullptr) return false;
  std::vector<uint64_t> starts;
  {
    MutexLock lock(state.mutex);
    state.dirty.note_written();
    starts = groups_with_deltas(state);
  }
  bool changed = false;
  for (const uint64_t start : starts) {
    WriteCursor cursor(*state.trees.free_space, context);
    FreeSpaceDelta delta;
    ByteRange range;
    {
      MutexLock lock(state.mutex);
      BlockGroup* group = state.groups.starting_at(start);
      if (group == nullptr) continue;
      std::swap(delta, group->delta);
      range = group->range();
    }
    if (delta.empty()) continue;
    BF_TRY(write_delta(cursor, range, delta, state.sectorsize));
    changed = true;
  }
  return changed;
}

Status GroupItems::find_old_caches(AllocatorState& state) {
  if (state.trees.root == nullptr) return {};
  return old_caches_.find_all(*state.trees.root);
}

}  // namespace butterfuse
