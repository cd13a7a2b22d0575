// SPDX-License-Identifier: GPL-2.0-or-later
// The extent tree as it is recorded: every extent item, its inline and keyed references, block groups.
//
// All extents are kept in memory until the end: references to one extent come from anywhere in any tree. That
// is what most of the memory of a check goes to.
#include <optional>

#include "core/check/tree_walk.h"
#include "core/ondisk/backrefs.h"

namespace butterfuse::check {
namespace {

void add_recorded(ExtentRecord& record, const CountedRef& counted) {
  const ExtentRef& ref = counted.ref;
  record.balance[{ref.parent, ref.root, ref.objectid, ref.offset}] += counted.count;
  record.recorded_refs += counted.count;
}

// The owner of simple quotas is no reference.
void read_inline_refs(CheckState& state, uint64_t bytenr, ExtentRecord& record, ByteSpan inline_refs) {
  InlineRefs refs(inline_refs);
  while (refs.next())
    if (refs.entry().ref.type != key_type::kExtentOwnerRef) add_recorded(record, refs.entry());
  if (Status whole = refs.finish("inline reference"); !whole)
    state.error("extent {}: {}", bytenr, whole.error().message);
}

void read_extent_item(CheckState& state, const Key& key, ByteSpan data) {
  const auto parts = extent_item_parts(key, data);
  if (!parts) return state.error("extent {}: item of {} bytes", key.objectid, data.size());
  ExtentRecord& record = state.extents[key.objectid];
  if (record.has_item) state.error("extent {}: has two extent items", key.objectid);
  record.has_item = true;
  record.refs = parts->fixed.refs;
  record.generation = parts->fixed.generation;
  record.flags = parts->fixed.flags;
  record.is_tree_block = parts->fixed.flags & extent_flag::kTreeBlock;
  if (key.type == key_type::kMetadataItem) {
    record.length = state.volume.nodesize();
    record.level = static_cast<int>(key.offset);
    record.is_tree_block = true;
  } else {
    record.length = key.offset;
    if (parts->block_info) record.level = parts->block_info->level;
  }
  read_inline_refs(state, key.objectid, record, parts->inline_refs);
}

void read_keyed_ref(CheckState& state, const Key& key, ByteSpan data) {
  ExtentRecord& record = state.extents[key.objectid];
  if (!record.has_item)
    state.error("extent {}: reference {} without an extent item", key.objectid, to_text(key));
  if (const auto ref = keyed_ref(key, data)) add_recorded(record, *ref);
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

// Also of extents that only references speak of, whose length is 0 here: one in the middle of another
// is found.
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
    // A mixed block group has both flags, and may hold both.
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
