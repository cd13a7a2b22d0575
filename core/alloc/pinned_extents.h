// SPDX-License-Identifier: GPL-2.0-or-later
// PinnedExtents: what was freed, but is still reached by a superblock on disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/alloc/block_group_table.h"

namespace butterfuse {

// Extents, and whole chunks whose items are gone, by the transaction that freed them. With its superblock on
// disk they are free; a crash before that finds them as they were, for nothing is written there meanwhile.
// Pins carry their transid, so that it does not matter to them when a transaction is closed: the next one may
// free while this one is written out.
//
// Under the mutex of AllocatorState. Invariant: a group's pinned bytes are the sum of its ranges here.
class PinnedExtents {
 public:
  using Chunks = std::vector<std::shared_ptr<const ChunkMapping>>;

  explicit PinnedExtents(BlockGroupTable& groups) : groups_(groups) {}

  // used -> pinned. REQUIRES that the group contains the range and has so many used bytes.
  void pin(uint64_t transid, BlockGroup& group, ByteRange range);
  // A chunk whose items went; its group is gone from the table, or goes now.
  void add_dying(uint64_t transid, std::shared_ptr<const ChunkMapping> chunk);
  // The superblock of `transid` is on disk: pinned -> free, for it and all before it. Returns the chunks
  // whose mapping and device space can go.
  Chunks release(uint64_t transid);

  // Takes what is pinned there out of a group's free space, which its items do not tell.
  void take_out_of(FreeSpace& space) const;
  // What release(transid) would free, chunks included: worth discarding before.
  std::vector<ByteRange> ranges_until(uint64_t transid) const;
  uint64_t dying_device_bytes() const;

 private:
  struct DyingChunk {
    uint64_t transid;
    std::shared_ptr<const ChunkMapping> chunk;
  };
  void unpin(ByteRange range);

  BlockGroupTable& groups_;
  std::map<uint64_t, std::vector<ByteRange>> pinned_;  // by transid
  std::vector<DyingChunk> dying_;
};

}  // namespace butterfuse
