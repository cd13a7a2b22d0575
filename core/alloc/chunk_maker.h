// SPDX-License-Identifier: GPL-2.0-or-later
// ChunkMaker: makes chunks in memory at once, so that their space can be promised; their items follow later.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "core/alloc/block_group_table.h"
#include "core/alloc/promises.h"
#include "core/chunk/device_space.h"

namespace butterfuse {

// Gives device space to the pools, and takes it back from chunks that are gone. What a crash leaves: nothing,
// for no superblock reaches a chunk whose items are not in its trees. The items are GroupItems' work.
//
// Under the mutex of AllocatorState; takes the lock of the volume's chunk map.
class ChunkMaker {
 public:
  ChunkMaker(Volume& volume, BlockGroupTable& groups, DeviceSpace& device_space, const Promises& promises)
      : volume_(volume), groups_(groups), device_space_(device_space), promises_(promises) {}

  // The address is taken for as long as the file system is open: that of a removed chunk does not come again,
  // for pinned extents may still tell of it.
  void note_address_taken(ByteRange logical) { next_logical_ = std::max(next_logical_, logical.end); }
  // A chunk more for the pool, and before it those of others that are due. False when the devices have no
  // hole for it, or what is left must stay for promised metadata.
  bool grow(SpacePool& pool);
  // About how long a chunk the pool would get.
  uint64_t wanted_bytes(const SpacePool& pool) const;
  // The mapping and the device space of a chunk that no superblock reaches any more.
  void bury(const ChunkMapping& chunk);
  // New chunks keep off devices that were lost since the last call.
  void note_lost_devices();

  // Which pool found no device space since the last forget_starving(): others then keep no empty groups.
  void note_starving(const SpacePool& pool) { starving_ = &pool; }
  void forget_starving() { starving_ = nullptr; }
  bool another_starves(const SpacePool& pool) const { return starving_ != nullptr && starving_ != &pool; }

 private:
  bool make_chunk(SpacePool& pool, uint64_t max_bytes);
  bool make_chunk_of_any_size(SpacePool& pool);
  bool leaves_room_for_metadata(const SpacePool& grown) const;
  bool sys_chunk_array_has_room(const ChunkMapping& chunk) const;
  void add_group(std::shared_ptr<const ChunkMapping> chunk);

  Volume& volume_;
  BlockGroupTable& groups_;
  DeviceSpace& device_space_;
  const Promises& promises_;
  uint64_t next_logical_ = 0;
  const SpacePool* starving_ = nullptr;
};

}  // namespace butterfuse
