// SPDX-License-Identifier: GPL-2.0-or-later
// The items every tree of an empty file system starts with.
//
// Each tree's items are made anew from the plan whenever they are asked for (initial_items). While blocks
// are being planned the numbers in them are not final: plan_blocks asks only how many items there are, and
// how long.
#include <algorithm>

#include "core/base/assert.h"
#include "core/chunk/chunk_items.h"
#include "core/mkfs/new_filesystem.h"

namespace butterfuse {
namespace {

using namespace objectid;

constexpr uint32_t kDirMode = 040755;

class ItemBytes {
 public:
  template <class T>
  ItemBytes& add(const T& object) {
    return add(object_bytes(object));
  }
  ItemBytes& add(ByteSpan span) {
    bytes_.insert(bytes_.end(), span.begin(), span.end());
    return *this;
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

template <class T>
std::vector<std::byte> bytes_of(const T& object) {
  return ItemBytes().add(object).take();
}

// Whole seconds, as mkfs.btrfs.
DiskTimespec time_of(const NewFilesystem& fs) { return {static_cast<uint64_t>(fs.now_s), 0}; }

DiskInodeItem directory_inode(const NewFilesystem& fs) {
  DiskInodeItem inode{};
  inode.generation = fs.generation;
  inode.transid = fs.generation;
  inode.nbytes = fs.options.nodesize;  // as mkfs.btrfs counts its first directories
  inode.nlink = 1;
  inode.mode = kDirMode;
  inode.atime = inode.ctime = inode.mtime = inode.otime = time_of(fs);
  return inode;
}

std::vector<std::byte> inode_ref(std::string_view name) {
  return ItemBytes().add(DiskInodeRef{0, static_cast<uint16_t>(name.size())}).add(as_bytes(name)).take();
}

// An empty directory that is its own parent. Of size 0, since it has no names, with a ".." to itself: as each
// top directory of a subvolume.
std::vector<TreeItem> root_directory(const NewFilesystem& fs, uint64_t ino, uint64_t parent) {
  return {{{ino, key_type::kInodeItem, 0}, bytes_of(directory_inode(fs))},
          {{ino, key_type::kInodeRef, parent}, inode_ref("..")}};
}

// The directory that a mount shows first.
std::vector<TreeItem> top_directory(const NewFilesystem& fs) {
  DiskInodeItem inode = directory_inode(fs);
  inode.uid = fs.options.root_uid;
  inode.gid = fs.options.root_gid;
  std::vector<TreeItem> items = root_directory(fs, kFirstFree, kFirstFree);
  items.front().data = bytes_of(inode);
  return items;
}

bool is_subvolume_like(uint64_t owner) { return owner == kFsTree || owner == kDataRelocTree; }

std::vector<std::byte> root_item(const NewFilesystem& fs, const PlannedTree& tree) {
  DiskRootItem root{};
  // The inode that no tree has: the same few numbers in every root item that the kernel makes.
  root.inode.generation = 1;
  root.inode.size = 3;
  root.inode.nbytes = fs.options.nodesize;
  root.inode.nlink = 1;
  root.inode.mode = kDirMode;
  root.generation = root.generation_v2 = fs.generation;
  root.root_dirid = is_subvolume_like(tree.owner) ? kFirstFree : 0;
  root.bytenr = tree.root();
  root.bytes_used = tree.blocks.size() * fs.options.nodesize;
  root.refs = 1;
  root.level = tree.level();
  if (tree.owner == kFsTree) {
    std::ranges::copy(fs.fs_tree_uuid.bytes, root.uuid);
    root.ctime = root.otime = time_of(fs);
  }
  return bytes_of(root);
}

// The directory of subvolume names: "default" leads to the top-level one.
std::vector<TreeItem> root_tree_directory(const NewFilesystem& fs) {
  constexpr std::string_view kName = "default";
  std::vector<TreeItem> items = root_directory(fs, kRootTreeDir, kRootTreeDir);
  DiskDirItem entry{};
  entry.location = Key{kFsTree, key_type::kRootItem, uint64_t(-1)};
  entry.name_len = static_cast<uint16_t>(kName.size());
  entry.type = file_type::kDir;
  items.push_back({{kRootTreeDir, key_type::kDirItem, name_hash(kName)},
                   ItemBytes().add(entry).add(as_bytes(kName)).take()});
  items.push_back({{kFsTree, key_type::kInodeRef, kRootTreeDir}, inode_ref(kName)});
  return items;
}

std::vector<TreeItem> root_tree_items(const NewFilesystem& fs) {
  std::vector<TreeItem> items = root_tree_directory(fs);
  for (const PlannedTree& tree : fs.trees)
    if (tree.owner != kRootTree && tree.owner != kChunkTree)
      items.push_back({{tree.owner, key_type::kRootItem, 0}, root_item(fs, tree)});
  return items;
}

std::vector<TreeItem> block_group_items(const NewFilesystem& fs) {
  std::vector<TreeItem> items;
  for (const PlannedChunk& chunk : fs.layout.chunks())
    items.push_back({{chunk.start, key_type::kBlockGroupItem, chunk.length},
                     bytes_of(DiskBlockGroupItem{chunk.used_bytes(), kFirstChunkTree, chunk.type})});
  return items;
}

// One reference of each tree block: the tree it belongs to.
TreeItem metadata_item(const NewFilesystem& fs, const PlannedTree& tree, size_t block) {
  const uint64_t level = block < tree.levels.size() ? tree.levels[block] : 0;
  return {{tree.blocks[block], key_type::kMetadataItem, level},
          ItemBytes()
              .add(DiskExtentItem{1, fs.generation, extent_flag::kTreeBlock})
              .add(DiskExtentInlineRef{key_type::kTreeBlockRef, tree.owner})
              .take()};
}

std::vector<TreeItem> extent_tree_items(const NewFilesystem& fs) {
  std::vector<TreeItem> items;
  if (!fs.options.features.block_group_tree) items = block_group_items(fs);
  for (const PlannedTree& tree : fs.trees)
    for (size_t block = 0; block < tree.blocks.size(); ++block)
      items.push_back(metadata_item(fs, tree, block));
  return items;
}

std::vector<TreeItem> chunk_tree_items(const NewFilesystem& fs) {
  std::vector<TreeItem> items;
  for (uint64_t devid = 1; devid <= fs.device_bytes.size(); ++devid)
    items.push_back({{kDevItems, key_type::kDevItem, devid}, bytes_of(device_item(fs, devid))});
  for (const PlannedChunk& chunk : fs.layout.chunks())
    items.push_back(
        {{kFirstChunkTree, key_type::kChunkItem, chunk.start}, encode_chunk(chunk, fs.options.sectorsize)});
  return items;
}

std::vector<TreeItem> dev_tree_items(const NewFilesystem& fs) {
  std::vector<TreeItem> items;
  for (const PlannedChunk& chunk : fs.layout.chunks())
    for (const ChunkStripe& stripe : chunk.stripes)
      items.push_back({{stripe.devid, key_type::kDevExtent, stripe.physical},
                       bytes_of(device_extent_item(chunk, fs.chunk_tree_uuid))});
  return items;
}

std::vector<TreeItem> uuid_tree_items(const NewFilesystem& fs) {
  const ByteSpan uuid = object_bytes(fs.fs_tree_uuid.bytes);
  const Key key{load<le64>(uuid), key_type::kUuidSubvol, load<le64>(uuid.subspan(8))};
  return {{key, bytes_of(le64(kFsTree))}};
}

// Superblock mirrors inside a chunk count as free here; allocators know them.
std::vector<TreeItem> free_space_tree_items(const NewFilesystem& fs) {
  std::vector<TreeItem> items;
  for (const PlannedChunk& chunk : fs.layout.chunks()) {
    const std::vector<ByteRange> free = chunk.free_ranges();
    items.push_back({{chunk.start, key_type::kFreeSpaceInfo, chunk.length},
                     bytes_of(DiskFreeSpaceInfo{static_cast<uint32_t>(free.size()), 0})});
    for (const ByteRange& range : free)
      items.push_back({{range.start, key_type::kFreeSpaceExtent, range.length()}, {}});
  }
  return items;
}

std::vector<TreeItem> unsorted_items(const NewFilesystem& fs, uint64_t owner) {
  switch (owner) {
    case kRootTree:
      return root_tree_items(fs);
    case kExtentTree:
      return extent_tree_items(fs);
    case kChunkTree:
      return chunk_tree_items(fs);
    case kDevTree:
      return dev_tree_items(fs);
    case kFsTree:
      return top_directory(fs);
    case kDataRelocTree:
      return root_directory(fs, kFirstFree, kFirstFree);
    case kCsumTree:
      return {};
    case kUuidTree:
      return uuid_tree_items(fs);
    case kFreeSpaceTree:
      return free_space_tree_items(fs);
    case kBlockGroupTree:
      return block_group_items(fs);
    default:
      BF_ASSERT(false, "tree {} is none of a new file system", owner);
  }
}

}  // namespace

std::vector<TreeItem> initial_items(const NewFilesystem& fs, uint64_t owner) {
  std::vector<TreeItem> items = unsorted_items(fs, owner);
  std::ranges::sort(items, {}, &TreeItem::key);
  return items;
}

DiskDevItem device_item(const NewFilesystem& fs, uint64_t devid) {
  DiskDevItem device{};
  device.devid = devid;
  device.total_bytes = fs.device_bytes[devid - 1];
  device.bytes_used = fs.layout.device_bytes_used(devid);
  device.io_align = device.io_width = device.sector_size = fs.options.sectorsize;
  std::ranges::copy(fs.device_uuids[devid - 1].bytes, device.uuid);
  std::ranges::copy(fs.fsid.bytes, device.fsid);
  return device;
}

}  // namespace butterfuse
