// SPDX-License-Identifier: GPL-2.0-or-later
// CommitGain: pinned space, chunks that go, and promises that turn out smaller.
#include "core/alloc/commit_gain.h"

#include <algorithm>

#include "core/chunk/chunk_plan.h"

namespace butterfuse {
namespace {

constexpr uint64_t kLeastDueBytes = 16u << 20;  // less is not worth a commit

}  // namespace

void CommitGain::begin_commit() {
  data_taken_ = 0;
  due_commit_told_ = false;
}

bool CommitGain::hear_that_commit_is_due() {
  if (due_commit_told_ || data_taken_ < kLeastDueBytes) return false;
  const SpacePool& data = groups_.data();
  const uint64_t room = data.counters().free() + device_space_.convertible_bytes(data.profile());
  due_commit_told_ = data_taken_ > room - std::min(room, promises_.pool_need(data, Promises::Of::promises));
  return due_commit_told_;
}

// A commit removes them, and gives their device space to whoever wants it. A little too many: one of each
// pool stays, and what promises need.
uint64_t CommitGain::device_bytes_of_empty_groups(const SpacePool& except) const {
  uint64_t bytes = 0;
  for (const auto& pool : groups_.pools()) {
    if (pool.get() == &except || pool.get() == &groups_.system() || pool->groups().size() < 2) continue;
    for (const BlockGroup* group : pool->groups())
      if (group->removable()) bytes += group->chunk->device_bytes();
  }
  return bytes;
}

bool CommitGain::would_make_room(const SpacePool& pool, uint64_t bytes) const {
  const bool is_metadata = &pool == &groups_.metadata();
  const uint64_t device_bytes = device_bytes_of_empty_groups(pool) + pins_.dying_device_bytes();
  const uint64_t gain = pool.counters().pinned + device_bytes / copies_of_profile(pool.profile());
  const uint64_t room = &pool == &groups_.data() ? pool.counters().free() : promises_.metadata_room();
  // Debt becomes what it really is, which is less.
  const bool helps = gain > 0 || (is_metadata && debt_.refs() + debt_.trees().inodes() > 0);
  return helps && room + gain >= promises_.pool_need(pool, Promises::Of::promises) + bytes;
}

}  // namespace butterfuse
