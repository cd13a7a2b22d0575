// SPDX-License-Identifier: GPL-2.0-or-later
// Decides identity, trees and blocks of a new file system.
// Nothing here reads or writes a device: with the same uuids and the same time the result is the same.
#include "core/mkfs/new_filesystem.h"

#include <algorithm>
#include <numeric>

#include "core/base/assert.h"

namespace butterfuse {
namespace {

std::vector<PlannedTree> trees_for(const MkfsFeatures& features) {
  using namespace objectid;
  std::vector<PlannedTree> trees;
  for (uint64_t owner : {kRootTree, kExtentTree, kChunkTree, kDevTree, kFsTree, kCsumTree, kUuidTree})
    trees.push_back({owner, {}, {}});
  if (features.free_space_tree) trees.push_back({kFreeSpaceTree, {}, {}});
  if (features.block_group_tree) trees.push_back({kBlockGroupTree, {}, {}});
  trees.push_back({kDataRelocTree, {}, {}});
  return trees;
}

// Only the chunk tree: its blocks must be found before any other chunk is known (by sys_chunk_array).
uint64_t chunk_type_of(const PlannedTree& tree) {
  return tree.owner == objectid::kChunkTree ? bg::kSystem : bg::kMetadata;
}

// True when the tree had too few blocks for what its items are by now.
bool take_missing_blocks(NewFilesystem& fs, PlannedTree& tree) {
  tree.levels = tree_block_levels(initial_items(fs, tree.owner), fs.options.nodesize);
  const bool missing = tree.blocks.size() < tree.levels.size();
  while (tree.blocks.size() < tree.levels.size())
    tree.blocks.push_back(fs.layout.take_block(chunk_type_of(tree), fs.options.nodesize));
  return missing;
}

std::vector<Uuid> random_uuids(size_t count) {
  std::vector<Uuid> uuids;
  while (uuids.size() < count) uuids.push_back(Uuid::random());
  return uuids;
}

}  // namespace

NewFilesystem::NewFilesystem(const MkfsOptions& chosen, const std::vector<uint64_t>& sizes)
    : options(chosen),
      device_bytes(sizes),
      device_uuids(random_uuids(sizes.size())),
      layout(chosen, sizes),
      fsid(chosen.uuid.value_or(Uuid::random())),
      chunk_tree_uuid(Uuid::random()),
      fs_tree_uuid(Uuid::random()),
      now_s(std::time(nullptr)),
      trees(trees_for(chosen.features)) {
  layout.set_device_uuids(device_uuids);
}

uint64_t NewFilesystem::total_bytes() const {
  return std::accumulate(device_bytes.begin(), device_bytes.end(), uint64_t{0});
}

const PlannedTree& NewFilesystem::tree(uint64_t owner) const {
  const auto found = std::ranges::find(trees, owner, &PlannedTree::owner);
  BF_ASSERT(found != trees.end(), "no tree {}", owner);
  return *found;
}

uint64_t NewFilesystem::bytes_used() const {
  uint64_t bytes = 0;
  for (const PlannedTree& tree : trees) bytes += tree.blocks.size() * options.nodesize;
  return bytes;
}

BlockIdentity NewFilesystem::identity() const {
  return {options.nodesize, options.csum, fsid, chunk_tree_uuid, generation};
}

// A block taken for one tree is an item in another, so go on until no tree needs more. Items never get fewer
// while blocks are taken, so this ends, and with no block too many.
void plan_blocks(NewFilesystem& fs) {
  for (PlannedTree& tree : fs.trees) {
    tree.blocks = {fs.layout.take_block(chunk_type_of(tree), fs.options.nodesize)};
    tree.levels = {0};
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (PlannedTree& tree : fs.trees) changed |= take_missing_blocks(fs, tree);
  }
}

}  // namespace butterfuse
