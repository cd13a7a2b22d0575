// SPDX-License-Identifier: GPL-2.0-or-later
// The superblock of a new file system.
#include <algorithm>

#include "core/base/assert.h"
#include "core/chunk/chunk_items.h"
#include "core/mkfs/new_filesystem.h"

namespace butterfuse {
namespace {

uint64_t incompat_flags(const MkfsOptions& options) {
  uint64_t flags = incompat::kMixedBackref | incompat::kExtendedIref | incompat::kSkinnyMetadata;
  // The format's rules: each flag is set where what it stands for is there, so that older kernels keep away.
  if (options.nodesize > options.sectorsize) flags |= incompat::kBigMetadata;
  if (options.features.no_holes) flags |= incompat::kNoHoles;
  if ((profile_flag(options.metadata) | profile_flag(options.data)) & (bg::kRaid1c3 | bg::kRaid1c4))
    flags |= incompat::kRaid1c34;
  return flags;
}

uint64_t compat_ro_flags(const MkfsFeatures& features) {
  uint64_t flags = 0;
  if (features.free_space_tree) flags |= compat_ro::kFreeSpaceTree | compat_ro::kFreeSpaceTreeValid;
  if (features.block_group_tree) flags |= compat_ro::kBlockGroupTree;
  return flags;
}

// The system chunks, as in the chunk tree: keys and items one behind the other. A reader needs them to find
// the chunk tree, in which all chunks are.
void fill_sys_chunk_array(const NewFilesystem& fs, DiskSuper& super) {
  for (const PlannedChunk& chunk : fs.layout.chunks()) {
    if ((chunk.type & bg::kSystem) == 0) continue;
    const Status added = add_sys_chunk(super, chunk);
    BF_ASSERT(added.has_value(), "{}", added.error().message);
  }
}

// The first of four slots; the others are empty until there were as many commits.
DiskRootBackup first_backup(const NewFilesystem& fs) {
  DiskRootBackup backup{};
  const auto point = [&](uint64_t owner, le64& root, le64& generation, uint8_t& level) {
    root = fs.tree(owner).root();
    generation = fs.generation;
    level = fs.tree(owner).level();
  };
  point(objectid::kRootTree, backup.tree_root, backup.tree_root_gen, backup.tree_root_level);
  point(objectid::kChunkTree, backup.chunk_root, backup.chunk_root_gen, backup.chunk_root_level);
  point(objectid::kExtentTree, backup.extent_root, backup.extent_root_gen, backup.extent_root_level);
  point(objectid::kFsTree, backup.fs_root, backup.fs_root_gen, backup.fs_root_level);
  point(objectid::kDevTree, backup.dev_root, backup.dev_root_gen, backup.dev_root_level);
  point(objectid::kCsumTree, backup.csum_root, backup.csum_root_gen, backup.csum_root_level);
  backup.total_bytes = fs.total_bytes();
  backup.bytes_used = fs.bytes_used();
  backup.num_devices = fs.device_bytes.size();
  return backup;
}

void fill_roots(const NewFilesystem& fs, DiskSuper& super) {
  const PlannedTree& root = fs.tree(objectid::kRootTree);
  const PlannedTree& chunk_root = fs.tree(objectid::kChunkTree);
  super.generation = super.chunk_root_generation = super.uuid_tree_generation = fs.generation;
  super.root = root.root();
  super.root_level = root.level();
  super.chunk_root = chunk_root.root();
  super.chunk_root_level = chunk_root.level();
  super.root_dir_objectid = objectid::kRootTreeDir;
}

}  // namespace

DiskSuper initial_super(const NewFilesystem& fs, uint64_t devid) {
  DiskSuper super{};
  std::ranges::copy(fs.fsid.bytes, super.fsid);
  super.flags = super_flag::kWritten;
  super.magic = kSuperMagic;
  super.total_bytes = fs.total_bytes();
  super.bytes_used = fs.bytes_used();
  super.num_devices = fs.device_bytes.size();
  super.sectorsize = super.stripesize = fs.options.sectorsize;
  super.nodesize = super.leafsize_unused = fs.options.nodesize;
  super.compat_ro_flags = compat_ro_flags(fs.options.features);
  super.incompat_flags = incompat_flags(fs.options);
  super.csum_type = static_cast<uint16_t>(fs.options.csum);
  super.dev_item = device_item(fs, devid);
  std::ranges::copy(fs.options.label, super.label);
  // All ones: no free space cache of the old kind was ever written.
  super.cache_generation = fs.options.features.free_space_tree ? 0 : uint64_t(-1);
  fill_roots(fs, super);
  fill_sys_chunk_array(fs, super);
  super.super_roots[0] = first_backup(fs);
  return super;
}

}  // namespace butterfuse
