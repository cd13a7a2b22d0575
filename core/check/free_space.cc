// SPDX-License-Identifier: GPL-2.0-or-later
// The free space tree against the extents: a block group's free ranges are the gaps between its extents.
//
//     FREE_SPACE_INFO (group)    number of ranges, and whether they are in bitmaps
//     FREE_SPACE_EXTENT (range)  one free range                    of a group either only these,
//     FREE_SPACE_BITMAP (range)  a bit for each sector, 1 is free  or only these
//
// Ranges that touch are one range by the format, within a bitmap and from one to the next: so that the tree
// of a sound file system has exactly the gaps, and the two lists can be compared one by one.
#include "core/check/free_ranges.h"
#include "core/check/tree_walk.h"

namespace butterfuse::check {
namespace {

struct GroupFreeSpace {
  bool has_info = false;
  uint32_t extent_count = 0;
  uint32_t flags = 0;
  Ranges ranges;
};

// mkfs.btrfs up to 6.2 leaves the entries of its temporary block groups, which lie in front of all others.
// Nobody reads them, and nobody is given space there.
class Leftovers {
 public:
  explicit Leftovers(CheckState& state) : state_(state) {}

  void add(const Key& key) {
    const bool in_front =
        state_.block_groups.empty() || key.objectid + key.offset <= state_.block_groups.begin()->first;
    if (in_front && key.type == key_type::kFreeSpaceInfo && key.objectid >= group_.end) {
      group_ = ByteRange::at(key.objectid, key.offset);
      ++count_;
    } else if (!in_front || key.objectid < group_.start || key.objectid + key.offset > group_.end) {
      state_.error("free space tree: {} lies in no block group", to_text(key));
    }
  }

  void report() const {
    if (count_ > 0)
      state_.warning(
          "free space tree: has entries of {} block groups that do not exist, as mkfs.btrfs up to "
          "6.2 left them; a writable mount removes them",
          count_);
  }

 private:
  CheckState& state_;
  ByteRange group_{0, 0};
  int count_ = 0;
};

std::map<uint64_t, GroupFreeSpace> read_free_space_tree(CheckState& state, const TreeRoot& root) {
  const uint64_t sector = state.volume.sectorsize();
  std::map<uint64_t, GroupFreeSpace> groups;
  Leftovers leftovers(state);
  walk_items(state, root, [&](const Key& key, ByteSpan data, ByteSpan) {
    auto home = state.block_groups.upper_bound(key.objectid);
    if (home == state.block_groups.begin() ||
        key.objectid >= std::prev(home)->first + std::prev(home)->second.length) {
      return leftovers.add(key);
    }
    GroupFreeSpace& group = groups[std::prev(home)->first];
    if (key.type == key_type::kFreeSpaceInfo) {
      const auto info = load<DiskFreeSpaceInfo>(data);
      const auto& [start, place] = *std::prev(home);
      if (key.objectid != start || key.offset != place.length)
        return state.error("free space tree: {} is not of the block group at {} of {} bytes", to_text(key),
                           start, place.length);
      if (info.flags & ~free_space_flag::kUsingBitmaps)
        state.error("free space tree: block group {}: unknown flags {:#x}", start, uint32_t{info.flags});
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
      append_bitmap(group.ranges, key.objectid, data, key.offset / sector, sector);
    }
  });
  leftovers.report();
  return groups;
}

void compare(CheckState& state, uint64_t start, const GroupFreeSpace& have, const Ranges& want) {
  if (!have.has_info) return state.error("free space tree: block group {} has no info item", start);
  if (have.extent_count != have.ranges.size()) {
    state.error("free space tree: block group {} counts {} extents but has {}", start, have.extent_count,
                have.ranges.size());
  }
  compare_free_ranges(state, "free space tree", start, have.ranges, want);
}

}  // namespace

void check_free_space(CheckState& state) {
  auto root = state.roots.find(objectid::kFreeSpaceTree);
  if (!state.has_compat_ro(compat_ro::kFreeSpaceTree)) return check_space_cache(state);
  if (!state.has_compat_ro(compat_ro::kFreeSpaceTreeValid)) return;  // the next mount makes another
  if (root == state.roots.end()) return state.error("root tree: the free space tree is missing");
  const auto groups = read_free_space_tree(state, root->second);
  for (const auto& [start, group] : state.block_groups) {
    auto have = groups.find(start);
    compare(state, start, have == groups.end() ? GroupFreeSpace{} : have->second,
            gaps_between_extents(state, start, group.length));
  }
}

}  // namespace butterfuse::check
