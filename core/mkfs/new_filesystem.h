// SPDX-License-Identifier: GPL-2.0-or-later
// NewFilesystem: all that is decided about a file system before its first byte is written.
#pragma once

#include <ctime>
#include <vector>

#include "core/btree/tree_image.h"
#include "core/mkfs/layout.h"
#include "core/mkfs/mkfs_options.h"
#include "core/ondisk/format.h"

namespace butterfuse {

struct PlannedTree {
  uint64_t owner = 0;            // objectid of its root
  std::vector<uint64_t> blocks;  // bytenrs, leaves first and the root last
  std::vector<uint8_t> levels;   // of the blocks
  uint64_t root() const { return blocks.back(); }
  uint8_t level() const { return levels.back(); }
};

struct NewFilesystem {
  NewFilesystem(const MkfsOptions& options, const std::vector<uint64_t>& device_bytes);

  const PlannedTree& tree(uint64_t owner) const;
  uint64_t bytes_used() const;  // by tree blocks, each counted once
  BlockIdentity identity() const;

  MkfsOptions options;
  std::vector<uint64_t> device_bytes;  // of devids 1, 2, ...
  std::vector<Uuid> device_uuids;
  uint64_t total_bytes() const;
  Layout layout;
  Uuid fsid, chunk_tree_uuid, fs_tree_uuid;
  uint64_t generation = 1;
  int64_t now_s;                   // of all times in it
  std::vector<PlannedTree> trees;  // by owner, data reloc last; blocks are taken by plan_blocks()
};

// The items of one of its trees, sorted, by what is known so far of all trees' blocks (initial_items.cc).
std::vector<TreeItem> initial_items(const NewFilesystem& fs, uint64_t owner);

// The device item that lies in the chunk tree and in the superblock of the device.
DiskDevItem device_item(const NewFilesystem& fs, uint64_t devid);

// Gives each tree the blocks its items need.
void plan_blocks(NewFilesystem& fs);

// Of one device. All but bytenr and csum, which differ between the mirrors.
DiskSuper initial_super(const NewFilesystem& fs, uint64_t devid);

}  // namespace butterfuse
