// The extent tree as it is recorded: every extent item, its inline and keyed references, and the block
// groups.
#include <optional>

#include "core/check/tree_walk.h"

namespace butterfuse::check {
namespace {

void add_recorded(ExtentRecord& record, const Backref& ref, uint32_t count) {
  record.balance[ref] += count;
  record.recorded_refs += count;
}

// The references inside an extent item; tree_checker has bounded them.
void read_inline_refs(CheckState& state, uint64_t bytenr, ExtentRecord& record, ByteSpan refs) {
  while (!refs.empty()) {
    const auto type = static_cast<uint8_t>(refs[0]);
    size_t size = sizeof(DiskExtentInlineRef);
    if (type == key_type::kExtentDataRef) size = 1 + sizeof(DiskExtentDataRef);
    if (type == key_type::kSharedDataRef) size += sizeof(DiskSharedDataRef);
    if (refs.size() < size) return state.error("extent {}: inline references run over its item", bytenr);
    const uint64_t value = load<DiskExtentInlineRef>(refs.first(sizeof(DiskExtentInlineRef))).offset;
    if (type == key_type::kTreeBlockRef) {
      add_recorded(record, {.root = value}, 1);
    } else if (type == key_type::kSharedBlockRef) {
      add_recorded(record, {.parent = value}, 1);
    } else if (type == key_type::kExtentDataRef) {
      const auto ref = load<DiskExtentDataRef>(refs.subspan(1));
      add_recorded(record, {.root = ref.root, .objectid = ref.objectid, .offset = ref.offset}, ref.count);
    } else if (type == key_type::kSharedDataRef) {
      const auto shared = load<DiskSharedDataRef>(refs.subspan(sizeof(DiskExtentInlineRef)));
      add_recorded(record, {.parent = value}, shared.count);
    } else if (type != key_type::kExtentOwnerRef) {
      state.error("extent {}: unknown inline reference type {}", bytenr, type);
    }
    refs = refs.subspan(size);
  }
}

void read_extent_item(CheckState& state, const Key& key, ByteSpan data) {
  if (data.size() < sizeof(DiskExtentItem))
    return state.error("extent {}: item of {} bytes", key.objectid, data.size());
  const auto item = load<DiskExtentItem>(data);
  ExtentRecord& record = state.extents[key.objectid];
  if (record.has_item) state.error("extent {}: has two extent items", key.objectid);
  record.has_item = true;
  record.refs = item.refs;
  record.generation = item.generation;
  record.flags = item.flags;
  record.is_tree_block = item.flags & extent_flag::kTreeBlock;
  data = data.subspan(sizeof(DiskExtentItem));
  if (key.type == key_type::kMetadataItem) {
    record.length = state.volume.nodesize();
    record.level = static_cast<int>(key.offset);
    record.is_tree_block = true;
  } else {
    record.length = key.offset;
    if (record.is_tree_block && data.size() >= sizeof(DiskTreeBlockInfo)) {
      record.level = load<DiskTreeBlockInfo>(data).level;
      data = data.subspan(sizeof(DiskTreeBlockInfo));
    }
  }
  read_inline_refs(state, key.objectid, record, data);
}

void read_keyed_ref(CheckState& state, const Key& key, ByteSpan data) {
  ExtentRecord& record = state.extents[key.objectid];
  if (!record.has_item)
    state.error("extent {}: reference {} without an extent item", key.objectid, to_text(key));
  if (key.type == key_type::kTreeBlockRef) add_recorded(record, {.root = key.offset}, 1);
  if (key.type == key_type::kSharedBlockRef) add_recorded(record, {.parent = key.offset}, 1);
  if (key.type == key_type::kExtentDataRef && data.size() >= sizeof(DiskExtentDataRef)) {
    const auto ref = load<DiskExtentDataRef>(data);
    add_recorded(record, {.root = ref.root, .objectid = ref.objectid, .offset = ref.offset}, ref.count);
  }
  if (key.type == key_type::kSharedDataRef && data.size() >= sizeof(DiskSharedDataRef)) {
    add_recorded(record, {.parent = key.offset}, load<DiskSharedDataRef>(data).count);
  }
}

void read_block_group(CheckState& state, const Key& key, ByteSpan data) {
  if (data.size() < sizeof(DiskBlockGroupItem))
    return state.error("block group {}: short item", key.objectid);
  const auto item = load<DiskBlockGroupItem>(data);
  if (!state.block_groups.emplace(key.objectid, BlockGroupRecord{key.offset, item.used, item.flags, 0})
           .second) {
    state.error("block group {}: has two items", key.objectid);
  }
}

void check_extent_order(CheckState& state) {
  uint64_t end = 0;
  for (const auto& [bytenr, record] : state.extents) {
    if (bytenr < end) state.error("extent {}: overlaps the one that ends at {}", bytenr, end);
    end = std::max(end, bytenr + record.length);
  }
}

// Adds each extent to its block group's used bytes.
void sum_block_groups(CheckState& state) {
  for (const auto& [bytenr, record] : state.extents) {
    if (!record.has_item) continue;
    auto group = state.block_groups.upper_bound(bytenr);
    if (group == state.block_groups.begin() ||
        bytenr + record.length > std::prev(group)->first + std::prev(group)->second.length) {
      state.error("extent {} of {} bytes: lies in no block group", bytenr, record.length);
      continue;
    }
    BlockGroupRecord& home = std::prev(group)->second;
    home.found_used += record.length;
    state.summary.bytes_used += record.length;
    const uint64_t wanted = record.is_tree_block ? (bg::kMetadata | bg::kSystem) : bg::kData;
    if (!(home.flags & wanted)) {
      state.error("extent {}: a {} in a block group with flags {:#x}", bytenr,
                  record.is_tree_block ? "tree block" : "data extent", home.flags);
    }
  }
  for (const auto& [start, group] : state.block_groups) {
    if (group.used != group.found_used) {
      state.error("block group {}: used is {} but its extents take {}", start, group.used, group.found_used);
    }
  }
  if (state.volume.super().bytes_used != state.summary.bytes_used) {
    state.error("superblock: bytes_used is {} but all extents take {}",
                uint64_t{state.volume.super().bytes_used}, state.summary.bytes_used);
  }
}

}  // namespace

void read_extent_tree(CheckState& state) {
  const auto read_item = [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type == key_type::kBlockGroupItem) return read_block_group(state, key, data);
    if (key.type == key_type::kExtentItem || key.type == key_type::kMetadataItem)
      return read_extent_item(state, key, data);
    if (key.type >= key_type::kTreeBlockRef && key.type <= key_type::kSharedDataRef)
      read_keyed_ref(state, key, data);
  };
  for (uint64_t id : {objectid::kExtentTree, objectid::kBlockGroupTree}) {
    if (auto root = state.roots.find(id); root != state.roots.end())
      walk_items(state, root->second, read_item);
  }
  check_extent_order(state);
  sum_block_groups(state);
}

}  // namespace butterfuse::check
