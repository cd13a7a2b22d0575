// SPDX-License-Identifier: GPL-2.0-or-later
// BlockGroup: the space of one chunk: how much of it is in which state, and its free space once loaded.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/byte_range.h"
#include "core/free_space/free_space.h"
#include "core/free_space/free_space_delta.h"
#include "core/volume/volume.h"

namespace butterfuse {

// Every byte is in one state: free, reserved (given out, no extent item yet), used (an extent item covers
// it), pinned (free in the running transaction, but a committed superblock reaches it), or unusable
// (superblock mirrors; what would be free in a damaged or read-only group).
struct SpaceCounters {
  uint64_t total = 0, used = 0, reserved = 0, pinned = 0, unusable = 0;
  uint64_t free() const { return total - used - reserved - pinned - unusable; }
};
using SpaceState = uint64_t SpaceCounters::*;  // null stands for free

class SpacePool;

// Guarded by the allocator's mutex, except what is constant. `free_space` is null until loaded; the counters
// are right at any time.
struct BlockGroup {
  enum class Loading { unloaded, loading, loaded, damaged };
  enum class Items { inserted, pending, inserting };  // of its chunk, device extents and block group

  BlockGroup(std::shared_ptr<const ChunkMapping> mapping, uint64_t used_bytes);
  ByteRange range() const { return ByteRange::at(chunk->start, chunk->length); }
  uint64_t start() const { return chunk->start; }
  bool loaded() const { return loading == Loading::loaded; }
  // No extent is in it, and nobody is at work on it. Pinned extents do not matter: nothing is allocated from
  // it once it is removed, and its bytes on the devices are only reused after the commit that removes it,
  // when no superblock reaches them.
  bool removable() const;

  const std::shared_ptr<const ChunkMapping> chunk;
  const std::vector<ByteRange> super_mirrors;
  SpacePool* pool = nullptr;
  SpaceCounters counters;
  uint64_t used_on_disk = 0;  // in the block group item
  Loading loading = Loading::unloaded;
  Items items = Items::inserted;
  bool read_only = false;  // on a seed device: never allocated from, never removed
  std::unique_ptr<FreeSpace> free_space;
  FreeSpaceDelta delta;  // changes the free space tree does not have yet
};

// The block groups that serve one kind of space; data and metadata share a pool where groups are mixed.
// Keeps the sums of its groups' counters. Not thread-safe.
class SpacePool {
 public:
  explicit SpacePool(uint64_t type) : type_(type) {}

  uint64_t type() const { return type_; }  // type bits, without profile
  bool mixed() const { return (type_ & bg::kData) && (type_ & bg::kMetadata); }
  uint64_t profile() const;  // of new chunks: the profile that holds the most space
  const SpaceCounters& counters() const { return counters_; }
  uint64_t loaded_free() const { return loaded_free_; }
  const std::vector<BlockGroup*>& groups() const { return groups_; }  // by address

  void add(BlockGroup* group);
  void remove(BlockGroup* group);
  // Moves bytes from one state to another, in the group's counters and the sums.
  void move(BlockGroup& group, SpaceState from, SpaceState to, uint64_t bytes);
  // The group's free space is known now; or is damaged, then what is free becomes unusable.
  void set_loaded(BlockGroup& group, std::unique_ptr<FreeSpace> free_space);
  void set_damaged(BlockGroup& group);

  // A free run in loaded groups, at or behind `*cursor` first, then around; `*cursor` moves behind what was
  // found. Marks nothing. Empty when there is none.
  ByteRange find(uint64_t bytes, uint64_t align, uint64_t* cursor);
  // The longest free run of all loaded groups, cut to `at_most` bytes.
  ByteRange find_longest(uint64_t at_most);
  // The unloaded group with the most free space of at least `bytes`, or null.
  BlockGroup* unloaded_group(uint64_t bytes) const;
  bool any_loading() const;
  bool none_loaded() const;

 private:
  ByteRange find_in(BlockGroup& group, uint64_t bytes, uint64_t align, uint64_t from);
  const uint64_t type_;
  SpaceCounters counters_;
  uint64_t loaded_free_ = 0;
  std::vector<BlockGroup*> groups_;
};

}  // namespace butterfuse
