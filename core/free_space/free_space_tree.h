// SPDX-License-Identifier: GPL-2.0-or-later
// FreeSpaceTree: a block group's items in the free space tree: FREE_SPACE_INFO, then extents or bitmaps.
#pragma once

#include <cstdint>

#include "core/base/byte_range.h"
#include "core/btree/cursor.h"
#include "core/free_space/free_space.h"

namespace butterfuse {

// A group changes from extents to bitmaps above `high` runs, where the bitmaps would take less room, and back
// below `low`. The numbers are those of the kernel's set_free_space_tree_thresholds.
struct FreeSpaceThresholds {
  uint32_t low = 0, high = 0;
  static FreeSpaceThresholds of(uint64_t group_length, uint32_t sectorsize);
};

// Bytes of address space that one full FREE_SPACE_BITMAP stands for: 8 MiB of 4 KiB sectors.
constexpr uint64_t free_space_bitmap_range(uint32_t sectorsize) {
  return uint64_t{kFreeSpaceBitmapBytes} * 8 * sectorsize;
}

// Changes one block group's items through a cursor that the caller holds (with it the tree's lock): begin(),
// any number of add() and remove(), finish(). On an error the transaction must be aborted.
class FreeSpaceTreeEdit {
 public:
  FreeSpaceTreeEdit(WriteCursor& cursor, ByteRange group, uint32_t sectorsize)
      : cursor_(cursor), group_(group), sectorsize_(sectorsize) {}

  // Items of a new block group, all free. Stale items of the range go first (mkfs.btrfs 6.2 leaves some).
  Status create();
  // Deletes all items of the block group.
  Status destroy();

  Status begin();                  // reads FREE_SPACE_INFO; EUCLEAN when there is none
  Status add(ByteRange range);     // used -> free; EUCLEAN when a part is free already
  Status remove(ByteRange range);  // free -> used; EUCLEAN when a part is not free
  Status finish();                 // converts if due, writes FREE_SPACE_INFO

 private:
  Status add_to_extents(ByteRange range);
  Status remove_from_extents(ByteRange range);
  Status change_bitmaps(ByteRange range, bool free);
  Result<bool> bit_at(uint64_t bytenr);  // free? false outside the group
  Status seek_bitmap(uint64_t bytenr);
  Result<bool> seek_extent_before(uint64_t bytenr);  // the cursor on the last extent with start <= bytenr?
  Status convert_to_bitmaps();
  Status convert_to_extents();
  Status delete_free_space_items();  // extents and bitmaps, not the info
  Key info_key() const { return {group_.start, key_type::kFreeSpaceInfo, group_.length()}; }
  uint32_t bitmap_bytes(uint64_t length) const;

  WriteCursor& cursor_;
  const ByteRange group_;
  const uint32_t sectorsize_;
  uint32_t extent_count_ = 0;
  uint32_t flags_ = 0;
};

// Adds what the tree says is free in the block group to `into`. The cursor may be of either kind. EUCLEAN
// when the items contradict each other.
Status load_free_space_tree(CursorBase& cursor, ByteRange group, uint32_t sectorsize, FreeSpace& into);

}  // namespace butterfuse
