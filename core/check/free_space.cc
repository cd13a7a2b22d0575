// The free space tree against the extents: each block group's free ranges are exactly the gaps between its
// extents.
#include "core/check/tree_walk.h"

namespace butterfuse::check {
namespace {

using Ranges = std::vector<ByteRange>;

struct GroupFreeSpace {
  bool has_info = false;
  uint32_t extent_count = 0;
  uint32_t flags = 0;
  Ranges ranges;
};

void append(Ranges& ranges, ByteRange range) {
  if (!ranges.empty() && ranges.back().end == range.start) {
    ranges.back().end = range.end;
  } else {
    ranges.push_back(range);
  }
}

void append_bitmap(CheckState& state, Ranges& ranges, const Key& key, ByteSpan bits) {
  const uint64_t sector = state.volume.sectorsize();
  for (uint64_t index = 0; index < key.offset / sector && index / 8 < bits.size(); ++index) {
    if ((static_cast<uint8_t>(bits[index / 8]) >> (index % 8)) & 1) {
      append(ranges, ByteRange::at(key.objectid + index * sector, sector));
    }
  }
}

std::map<uint64_t, GroupFreeSpace> read_free_space_tree(CheckState& state, const TreeRoot& root) {
  std::map<uint64_t, GroupFreeSpace> groups;
  walk_items(state, root, [&](const Key& key, ByteSpan data, ByteSpan) {
    auto home = state.block_groups.upper_bound(key.objectid);
    if (home == state.block_groups.begin() ||
        key.objectid >= std::prev(home)->first + std::prev(home)->second.length) {
      return state.error("free space tree: {} lies in no block group", to_text(key));
    }
    GroupFreeSpace& group = groups[std::prev(home)->first];
    if (key.type == key_type::kFreeSpaceInfo) {
      const auto info = load<DiskFreeSpaceInfo>(data);
      group = {true, info.extent_count, info.flags, {}};
    } else if (key.type == key_type::kFreeSpaceExtent) {
      if (group.flags & free_space_flag::kUsingBitmaps)
        state.error("free space tree: {} in a bitmap group", to_text(key));
      if (!group.ranges.empty() && group.ranges.back().end >= key.objectid) {
        state.error("free space tree: {} touches the range before it", to_text(key));
      }
      append(group.ranges, ByteRange::at(key.objectid, key.offset));
    } else if (key.type == key_type::kFreeSpaceBitmap) {
      if (!(group.flags & free_space_flag::kUsingBitmaps)) {
        state.error("free space tree: {} in a group of extents", to_text(key));
      }
      append_bitmap(state, group.ranges, key, data);
    }
  });
  return groups;
}

Ranges gaps_of(const CheckState& state, uint64_t start, uint64_t length) {
  Ranges gaps;
  uint64_t cursor = start;
  for (auto extent = state.extents.lower_bound(start);
       extent != state.extents.end() && extent->first < start + length; ++extent) {
    if (!extent->second.has_item) continue;
    if (extent->first > cursor) gaps.push_back({cursor, extent->first});
    cursor = std::max(cursor, extent->first + extent->second.length);
  }
  if (cursor < start + length) gaps.push_back({cursor, start + length});
  return gaps;
}

void compare(CheckState& state, uint64_t start, const GroupFreeSpace& have, const Ranges& want) {
  if (!have.has_info) return state.error("free space tree: block group {} has no info item", start);
  if (have.extent_count != have.ranges.size()) {
    state.error("free space tree: block group {} counts {} extents but has {}", start, have.extent_count,
                have.ranges.size());
  }
  for (size_t index = 0; index < std::max(have.ranges.size(), want.size()); ++index) {
    const ByteRange left = index < have.ranges.size() ? have.ranges[index] : ByteRange{};
    const ByteRange right = index < want.size() ? want[index] : ByteRange{};
    if (left == right) continue;
    return state.error("free space tree: block group {}: range {} is [{}, {}) but the extents leave [{}, {})",
                       start, index, left.start, left.end, right.start, right.end);
  }
}

}  // namespace

void check_free_space(CheckState& state) {
  auto root = state.roots.find(objectid::kFreeSpaceTree);
  if (!state.has_compat_ro(compat_ro::kFreeSpaceTree) || !state.has_compat_ro(compat_ro::kFreeSpaceTreeValid))
    return;
  if (root == state.roots.end()) return state.error("root tree: the free space tree is missing");
  const auto groups = read_free_space_tree(state, root->second);
  for (const auto& [start, group] : state.block_groups) {
    auto have = groups.find(start);
    compare(state, start, have == groups.end() ? GroupFreeSpace{} : have->second,
            gaps_of(state, start, group.length));
  }
}

}  // namespace butterfuse::check
