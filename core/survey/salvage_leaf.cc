// SPDX-License-Identifier: GPL-2.0-or-later
// LeafSalvager: item by item; each is judged alone, by tree_checker.
//
//     item array  ─> │ 0 │ 1 │ 2 │ ... free ...      │ data 2 │ data 1 │ data 0 │ <─ end of the leaf
//
// An item alone in a leaf of its own can be judged by the same rules as any tree block. A bad item costs
// itself, then, and not the leaf. Where offset and size of an item contradict its neighbours, each place
// where its data may lie is tried in turn, and the first that makes a good item is taken.
#include "core/survey/salvage_leaf.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/base/byte_range.h"
#include "core/ondisk/entry_type.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/named_entries.h"
#include "core/ondisk/root_item.h"
#include "core/survey/subvolume_survey.h"

namespace butterfuse::repair {
namespace {

// Where an item's data may lie, the likeliest first. Each item's data ends where that of the one before
// begins: of an offset and a size, the one that meets both neighbours is right.
std::vector<ByteRange> places_of(const LeafView& leaf, uint32_t slot, uint32_t count, uint64_t end) {
  const uint64_t offset = leaf.item(slot).offset, size = leaf.item(slot).size;
  const bool meets_next =
      slot + 1 < count && offset == uint64_t{leaf.item(slot + 1).offset} + leaf.item(slot + 1).size;
  std::vector<ByteRange> places;
  if (meets_next && offset <= end && offset + size != end) places.push_back({offset, end});
  if (size <= end) places.push_back({end - size, end});
  if (offset + size != end) places.push_back({offset, offset + size});
  return places;
}

}  // namespace

void LeafSalvager::take(ByteSpan block, const Key& first, const Key& last,
                        const std::function<void(TreeItem)>& found) {
  const size_t room = block.size() - sizeof(DiskHeader);
  const uint32_t count =
      static_cast<uint32_t>(std::min<size_t>(header_of(block).nritems, room / sizeof(DiskItem)));
  const LeafView leaf(block);
  uint64_t taken_bytes = 0;  // no more than fit: items that overlap could be thousands of times that
  uint64_t end = room;       // where this item's data ends, if all items lie one behind the other
  for (uint32_t slot = 0; slot < count; ++slot) {
    std::optional<TreeItem> taken;
    for (const ByteRange& data : places_of(leaf, slot, count, end)) {
      if (data.end > room) continue;
      taken = take_item(block, leaf.item(slot).key, data.start, data.length());
      if (!taken) continue;
      end = data.start;
      break;
    }
    // A size that can't be is not believed for what comes behind it either.
    if (!taken && leaf.item(slot).size <= end) end -= leaf.item(slot).size;
    if (taken) taken_bytes += taken->data.size();
    if (taken && taken_bytes <= room && taken->key >= first && taken->key <= last) {
      found(std::move(*taken));
    } else {
      ++result_.items_lost;
    }
  }
}

std::optional<TreeItem> LeafSalvager::take_item(ByteSpan block, const Key& key, uint64_t offset,
                                                uint64_t size) {
  TreeItem item;
  item.key = key;
  const ByteSpan data = block.subspan(sizeof(DiskHeader) + offset, size);
  item.data.assign(data.begin(), data.end());
  const std::vector<std::byte> original = item.data;
  const Key original_key = item.key;
  if (item.key == Key{} || !filter_(item.key, item.data)) return std::nullopt;
  if (!is_good(block, item)) {
    mend(item);
    if (!is_good(block, item)) return std::nullopt;
  }
  result_.items_mended += item.data != original || item.key != original_key;
  return item;
}

// By tree_checker, in a leaf of its own.
bool LeafSalvager::is_good(ByteSpan block, const TreeItem& item) const {
  const size_t room = block.size() - sizeof(DiskHeader);
  if (item.data.size() + sizeof(DiskItem) > room) return false;
  std::vector<std::byte> leaf(block.size());
  auto header = load<DiskHeader>(block);
  header.nritems = 1;
  header.generation = std::min<uint64_t>(header.generation, generation_);
  store(MutableByteSpan(leaf), header);
  const auto offset = static_cast<uint32_t>(room - item.data.size());
  store(MutableByteSpan(leaf).subspan(sizeof header),
        DiskItem{item.key, offset, static_cast<uint32_t>(item.data.size())});
  std::copy(item.data.begin(), item.data.end(),
            leaf.begin() + static_cast<ptrdiff_t>(sizeof header + offset));
  return check_tree_block(context_, leaf).has_value();
}

// Only what is plain from the rest of the item, or can't be otherwise, is changed: a field that lies in the
// future comes down to now, bits that mean nothing go, a hash follows from its name.
void LeafSalvager::mend(TreeItem& item) {
  MutableByteSpan data(item.data);
  if (item.key.type == key_type::kInodeItem && data.size() == sizeof(DiskInodeItem)) {
    auto inode = load<DiskInodeItem>(data);
    inode.generation = std::min<uint64_t>(inode.generation, generation_);
    inode.transid = std::min<uint64_t>(inode.transid, generation_);
    inode.flags = inode.flags & kKnownInodeFlags;
    if (S_ISDIR(inode.mode)) inode.nlink = std::min<uint32_t>(inode.nlink, 1);
    // Names and content will tell which it was; here it only has to be one (see kindless).
    if (entry_type_of_mode(inode.mode) == file_type::kUnknown) {
      inode.mode = (inode.mode & 07777) | S_IFREG;
      result_.kindless.insert(item.key.objectid);
    }
    store(data, inode);
  } else if (item.key.type == key_type::kExtentData && data.size() == sizeof(DiskFileExtent)) {
    mend_extent(data);
  } else if (item.key.type == key_type::kExtentData && data.size() >= sizeof(DiskFileExtentInline)) {
    auto extent = load<DiskFileExtentInline>(data);
    if (extent.type != file_extent_type::kInline || extent.compression != compression_type::kNone) return;
    extent.ram_bytes = data.size() - sizeof extent;
    store(data, extent);
  } else if (item.key.type == key_type::kRootItem && data.size() >= kRootItemV0Bytes) {
    DiskRootItem root = load_root_item(data);
    root.generation = std::min<uint64_t>(root.generation, generation_);
    root.generation_v2 = std::min<uint64_t>(root.generation_v2, generation_);
    root.last_snapshot = std::min<uint64_t>(root.last_snapshot, generation_);
    root.flags = root.flags & (root_flag::kReadonly | root_flag::kDead);
    if (root.refs > 0) root.drop_progress = Key{};
    if (root.refs > 0 || root.drop_level >= kMaxLevel) root.drop_level = 0;
    if (root.level >= kMaxLevel) root.level = 0;  // the block tells
    store_root_item(data, root);
  } else if (item.key.type == key_type::kDevItem && data.size() == sizeof(DiskDevItem)) {
    auto device = load<DiskDevItem>(data);
    device.total_bytes = std::max<uint64_t>(device.total_bytes, device.bytes_used);  // see mend_device_sizes
    store(data, device);
  } else if (item.key.type == key_type::kDirItem || item.key.type == key_type::kXattrItem) {
    if (const auto entry = first_name_entry(data)) item.key.offset = name_hash(entry->name);
  }
}

// Of one that is not inline, by its size. What is not compressed is as long on disk as in memory.
void LeafSalvager::mend_extent(MutableByteSpan data) {
  auto extent = load<DiskFileExtent>(data);
  if (extent.type != file_extent_type::kPrealloc) extent.type = file_extent_type::kRegular;
  extent.encryption = 0;
  extent.other_encoding = 0;
  extent.generation = std::min<uint64_t>(extent.generation, generation_);
  const bool known = extent.compression <= compression_type::kZstd;
  if (!known && extent.ram_bytes == extent.disk_num_bytes) extent.compression = compression_type::kNone;
  if (extent.num_bytes == 0 || extent.num_bytes % volume_.sectorsize() != 0 ||
      extent.num_bytes > extent.ram_bytes - extent.offset)
    extent.num_bytes = extent.ram_bytes - extent.offset;
  store(data, extent);
}

}  // namespace butterfuse::repair
