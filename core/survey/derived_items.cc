// SPDX-License-Identifier: GPL-2.0-or-later
// Derived items: each kind from what it is derived of.
#include "core/survey/derived_items.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/chunk/chunk_items.h"
#include "core/ondisk/item_checks.h"
#include "core/volume/device_bytes.h"

namespace butterfuse::repair {
namespace {

template <class T>
std::vector<std::byte> bytes_of(const T& object) {
  const ByteSpan bytes = object_bytes(object);
  return {bytes.begin(), bytes.end()};
}

// The extent in front of the byte is the only one that may hold it: extents do not overlap here.
bool is_data(const ExtentMap& extents, uint64_t bytenr) {
  auto extent = extents.upper_bound(bytenr);
  if (extent == extents.begin()) return false;
  --extent;
  return !extent->second.is_tree_block && bytenr < extent->first + extent->second.length;
}

}  // namespace

void add_device_extents(std::vector<TreeItem>& items, const Volume& volume) {
  for (const auto& chunk : volume.chunks()) {
    const DiskDevExtent extent = device_extent_item(*chunk, volume.chunk_tree_uuid());
    for (const ChunkStripe& stripe : chunk->stripes)
      items.push_back({{stripe.devid, key_type::kDevExtent, stripe.physical}, bytes_of(extent)});
  }
  std::ranges::sort(items, {}, &TreeItem::key);
}

void mend_device_items(std::vector<TreeItem>& chunk_tree, Volume& volume) {
  std::map<uint64_t, uint64_t> used = chunk_bytes_of_devices(volume);
  for (TreeItem& item : chunk_tree) {
    if (item.key.type != key_type::kDevItem || item.data.size() < sizeof(DiskDevItem)) continue;
    auto device = load<DiskDevItem>(item.data);
    device.bytes_used = used[device.devid];
    store(MutableByteSpan(item.data), device);
    volume.set_device_item(device);
  }
}

std::vector<TreeItem> block_group_items(const Volume& volume, const ExtentMap& extents) {
  std::vector<TreeItem> items;
  for (const auto& chunk : volume.chunks()) {
    DiskBlockGroupItem group{};
    for (auto extent = extents.lower_bound(chunk->start);
         extent != extents.end() && extent->first < chunk->start + chunk->length; ++extent)
      group.used = group.used + extent->second.length;
    group.chunk_objectid = objectid::kFirstChunkTree;
    group.flags = chunk->type;
    items.push_back({{chunk->start, key_type::kBlockGroupItem, chunk->length}, bytes_of(group)});
  }
  return items;
}

std::vector<TreeItem> sound_csum_items(const std::vector<TreeItem>& items, const Volume& volume,
                                       const ExtentMap& extents) {
  const CsumGeometry geometry = volume.csum_geometry();
  // Of the format an item may be as large as a leaf. With a quarter a leaf is never left more than a quarter
  // empty for an item that does not fit, and items are few.
  const size_t item_max = volume.nodesize() / 4;
  std::vector<TreeItem> result;
  uint64_t end = 0;  // of the checksums in `result`
  for (const TreeItem& item : items) {
    if (item.key.objectid != objectid::kExtentCsum || item.key.type != key_type::kExtentCsum) continue;
    for (size_t index = 0; index < geometry.count(item.data); ++index) {
      const uint64_t bytenr = item.key.offset + index * geometry.sectorsize;
      // Items may overlap where one of them is wrong: what came first stays, since it is as good as
      // the other.
      if (bytenr < end || !is_data(extents, bytenr)) continue;
      if (bytenr > end || result.empty() || result.back().data.size() + geometry.csum_size > item_max)
        result.push_back({{objectid::kExtentCsum, key_type::kExtentCsum, bytenr}, {}});
      const ByteSpan csum = geometry.at(item.data, index);
      result.back().data.insert(result.back().data.end(), csum.begin(), csum.end());
      end = bytenr + geometry.sectorsize;
    }
  }
  return result;
}

// Size and nbytes are what the kernel writes there.
TreeItem new_root_item(uint64_t id, uint32_t nodesize) {
  DiskRootItem root{};
  root.inode.generation = 1;
  root.inode.size = 3;
  root.inode.nbytes = nodesize;
  root.inode.nlink = 1;
  root.inode.mode = S_IFDIR | 0755;
  root.root_dirid = is_file_tree(id) ? objectid::kFirstFree : 0;
  root.refs = 1;
  return {{id, key_type::kRootItem, 0}, bytes_of(root)};
}

std::vector<TreeItem> empty_subvolume(uint64_t generation, uint32_t nodesize) {
  DiskInodeItem inode{};
  inode.generation = inode.transid = generation;
  inode.nbytes = nodesize;
  inode.nlink = 1;
  inode.mode = S_IFDIR | 0755;
  constexpr std::string_view kName = "..";
  DiskInodeRef ref{};
  ref.name_len = static_cast<uint16_t>(kName.size());
  std::vector<std::byte> parent = bytes_of(ref);
  parent.insert(parent.end(), as_bytes(kName).begin(), as_bytes(kName).end());
  return {{{objectid::kFirstFree, key_type::kInodeItem, 0}, bytes_of(inode)},
          {{objectid::kFirstFree, key_type::kInodeRef, objectid::kFirstFree}, std::move(parent)}};
}

}  // namespace butterfuse::repair
