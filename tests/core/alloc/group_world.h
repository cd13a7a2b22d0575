// SPDX-License-Identifier: GPL-2.0-or-later
// GroupWorld: block groups in memory, all free and loaded: for tests of what is under the allocator's mutex.
#pragma once

#include <memory>

#include "core/alloc/block_group_table.h"
#include "core/alloc/commit_debt.h"
#include "core/alloc/promises.h"
#include "core/chunk/device_space.h"

namespace butterfuse {

struct GroupWorld {
  static constexpr uint64_t kMiB = 1 << 20;
  static constexpr uint32_t kSector = 4096, kNode = 16384;

  explicit GroupWorld(bool mixed = false) { groups.make_pools(mixed); }
  // At this many MiB, logical and on device 1. Nothing of it is a superblock mirror's, which are at 0
  // and 64 MiB.
  BlockGroup& add(uint64_t type, uint64_t start_mib, uint64_t length_mib) {
    auto chunk = std::make_shared<ChunkMapping>();
    chunk->start = start_mib * kMiB;
    chunk->length = length_mib * kMiB;
    chunk->type = type;
    chunk->stripes.push_back({1, chunk->start, {}});
    BlockGroup& group = groups.add(std::make_unique<BlockGroup>(chunk, 0));
    auto space = std::make_unique<FreeSpace>(group.range(), kSector);
    space->set_free(group.range());
    group.pool->set_loaded(group, std::move(space));
    return group;
  }
  // As an extent that has its item.
  static void use(BlockGroup& group, ByteRange range) {
    group.free_space->set_used(range);
    group.pool->move(group, nullptr, &SpaceCounters::used, range.length());
  }

  BlockGroupTable groups;
  DeviceSpace device_space;
  CommitDebt debt;
  Promises promises{groups, device_space, debt, kNode};
};

}  // namespace butterfuse
