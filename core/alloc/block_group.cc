// SPDX-License-Identifier: GPL-2.0-or-later
// BlockGroup and SpacePool: moving bytes between states and searching free runs.
#include "core/alloc/block_group.h"

#include <algorithm>
#include <map>

#include "core/base/assert.h"
#include "core/volume/super_mirrors.h"

namespace butterfuse {

BlockGroup::BlockGroup(std::shared_ptr<const ChunkMapping> mapping, uint64_t used_bytes)
    : chunk(std::move(mapping)), super_mirrors(super_mirrors_in(*chunk)), used_on_disk(used_bytes) {
  counters.total = chunk->length;
  counters.used = used_bytes;
  for (const ByteRange& mirror : super_mirrors) counters.unusable += mirror.length();
  // A damaged item may say that even the mirrors are used; then nothing is free.
  counters.unusable = std::min(counters.unusable, counters.total - counters.used);
}

bool BlockGroup::removable() const {
  return !read_only && counters.used == 0 && counters.reserved == 0 && items == Items::inserted &&
         loading != Loading::loading;
}

uint64_t SpacePool::profile() const {
  std::map<uint64_t, uint64_t> bytes;
  for (const bool read_only : {false, true}) {
    if (!bytes.empty()) break;
    for (const BlockGroup* group : groups_)
      if (group->read_only == read_only)
        bytes[group->chunk->type & bg::kProfileMask] += group->counters.total;
  }
  const auto most =
      std::max_element(bytes.begin(), bytes.end(), [](auto& a, auto& b) { return a.second < b.second; });
  return most == bytes.end() ? 0 : most->first;
}

void SpacePool::add(BlockGroup* group) {
  group->pool = this;
  const auto behind =
      std::upper_bound(groups_.begin(), groups_.end(), group->start(),
                       [](uint64_t start, BlockGroup* other) { return start < other->start(); });
  groups_.insert(behind, group);
  const SpaceCounters& from = group->counters;
  counters_.total += from.total;
  counters_.used += from.used;
  counters_.reserved += from.reserved;
  counters_.pinned += from.pinned;
  counters_.unusable += from.unusable;
  if (group->loaded()) loaded_free_ += from.free();
}

void SpacePool::remove(BlockGroup* group) {
  groups_.erase(std::find(groups_.begin(), groups_.end(), group));
  const SpaceCounters& from = group->counters;
  counters_.total -= from.total;
  counters_.used -= from.used;
  counters_.reserved -= from.reserved;
  counters_.pinned -= from.pinned;
  counters_.unusable -= from.unusable;
  if (group->loaded()) loaded_free_ -= from.free();
  group->pool = nullptr;
}

void SpacePool::move(BlockGroup& group, SpaceState from, SpaceState to, uint64_t bytes) {
  const uint64_t have = from == nullptr ? group.counters.free() : group.counters.*from;
  BF_ASSERT(bytes <= have, "block group {}: {} of {} bytes", group.start(), bytes, have);
  for (SpaceCounters* counters : {&group.counters, &counters_}) {
    if (from != nullptr) counters->*from -= bytes;
    if (to != nullptr) counters->*to += bytes;
  }
  if (!group.loaded()) return;
  if (from == nullptr) loaded_free_ -= bytes;
  if (to == nullptr) loaded_free_ += bytes;
}

void SpacePool::set_loaded(BlockGroup& group, std::unique_ptr<FreeSpace> free_space) {
  group.free_space = std::move(free_space);
  group.loading = BlockGroup::Loading::loaded;
  loaded_free_ += group.counters.free();
}

void SpacePool::set_damaged(BlockGroup& group) {
  group.loading = BlockGroup::Loading::damaged;
  move(group, nullptr, &SpaceCounters::unusable, group.counters.free());
}

ByteRange SpacePool::find_in(BlockGroup& group, uint64_t bytes, uint64_t align, uint64_t from) {
  if (!group.loaded() || group.counters.free() < bytes) return {};
  const std::optional<uint64_t> start = group.free_space->find_run(bytes, align, from);
  return start ? ByteRange::at(*start, bytes) : ByteRange{};
}

ByteRange SpacePool::find(uint64_t bytes, uint64_t align, uint64_t* cursor) {
  const auto first = std::partition_point(groups_.begin(), groups_.end(),
                                          [&](BlockGroup* group) { return group->range().end <= *cursor; });
  const size_t count = groups_.size(), begin = first - groups_.begin();
  // The first group twice: behind the cursor, then whole.
  for (size_t step = 0; step <= count && count > 0; step++) {
    BlockGroup& group = *groups_[(begin + step) % count];
    const ByteRange found =
        find_in(group, bytes, align, step == 0 ? std::max(*cursor, group.start()) : group.start());
    if (found.empty()) continue;
    *cursor = found.end;
    return found;
  }
  return {};
}

// The group that may have the longest run comes first: what it has is the longest of all if it is as long as
// that. Else its bound has become lower, and it is another's turn.
ByteRange SpacePool::find_longest(uint64_t at_most) {
  while (true) {
    BlockGroup* best = nullptr;
    for (BlockGroup* group : groups_) {
      if (!group->loaded()) continue;
      if (best == nullptr || group->free_space->run_bound() > best->free_space->run_bound()) best = group;
    }
    if (best == nullptr) return {};
    const uint64_t bound = best->free_space->run_bound();
    const ByteRange run = best->free_space->longest_run(at_most);
    if (run.length() >= std::min(at_most, bound))
      return ByteRange::at(run.start, std::min(run.length(), at_most));
  }
}

BlockGroup* SpacePool::unloaded_group(uint64_t bytes) const {
  BlockGroup* best = nullptr;
  for (BlockGroup* group : groups_) {
    if (group->loading != BlockGroup::Loading::unloaded ||
        group->counters.free() < std::max<uint64_t>(bytes, 1))
      continue;
    if (best == nullptr || group->counters.free() > best->counters.free()) best = group;
  }
  return best;
}

bool SpacePool::none_loaded() const {
  return std::none_of(groups_.begin(), groups_.end(), [](BlockGroup* group) { return group->loaded(); });
}

bool SpacePool::any_loading() const {
  return std::any_of(groups_.begin(), groups_.end(),
                     [](BlockGroup* group) { return group->loading == BlockGroup::Loading::loading; });
}

}  // namespace butterfuse
