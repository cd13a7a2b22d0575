// SPDX-License-Identifier: GPL-2.0-or-later
// Quota groups: what each subvolume references, alone or with others, against the quota tree's numbers.
//
// An extent is referenced by a group if any subvolume below the group leads to it, and exclusive to it if no
// other does. So for each extent the set of its subvolumes is needed, which is found without asking for each
// subvolume anew: sets flow down from the roots, level by level over all trees, and what is met from two
// parents gets the union.
//
//     root of 256 {256}     root of 257 {257}
//                └──────┐     ┌──────┴─────┐
//              node {256, 257}        node {257}          kept once each: sets_ has as many as there are
//                     │                                   ways of sharing, not as many as blocks
//              leaf {256, 257} ─> data {256, 257}
#include "core/check/quotas.h"

#include "core/check/tree_walk.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/qgroup_items.h"

namespace butterfuse::check {
namespace {

using RootSet = std::set<uint64_t>;  // ids of file trees

// An honest file system stays far below: subvolumes that share blocks are in a few sets together. One that
// is made for it could have a set of thousands for each block; then the numbers are not checked, and that
// is told.
constexpr size_t kMostIdsKept = 4'000'000;    // in all sets, some 50 bytes each
constexpr size_t kMostLookUps = 400'000'000;  // some ten seconds

struct Group {
  bool has_info = false;
  uint64_t referenced = 0, exclusive = 0;              // by its item
  uint64_t found_referenced = 0, found_exclusive = 0;  // by the trees
  std::set<uint64_t> members;                          // quota groups one level down
  RootSet roots;                                       // below it
};
using Groups = std::map<uint64_t, Group>;  // by id: level << 48 | number; 0/N is subvolume N

// The format's: a group's id is its level in the upper 16 bits, and below them a number, at level 0 that of
// the subvolume.
uint64_t level_of(uint64_t group) { return group >> 48; }
std::string group_name(uint64_t id) {
  return fmt::format("{}/{}", level_of(id), id & ((uint64_t{1} << 48) - 1));
}

struct QuotaTree {
  uint64_t status = 0;
  Groups groups;
};

QuotaTree read_quota_tree(CheckState& state, const TreeRoot& root) {
  QuotaTree quotas;
  walk_items(state, root, [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type == key_type::kQgroupStatus && data.size() >= sizeof(DiskQgroupStatus)) {
      quotas.status = load<DiskQgroupStatus>(data).flags;
    } else if (key.type == key_type::kQgroupInfo && data.size() >= sizeof(DiskQgroupInfo)) {
      const auto info = load<DiskQgroupInfo>(data);
      Group& group = quotas.groups[key.offset];
      group.has_info = true;
      group.referenced = info.referenced;
      group.exclusive = info.exclusive;
    } else if (key.type == key_type::kQgroupRelation && level_of(key.objectid) > level_of(key.offset)) {
      quotas.groups[key.objectid].members.insert(key.offset);  // each relation is there in both directions
    }
  });
  return quotas;
}

// Members lie at lower levels, so that going up the ids finds theirs done. False: too much to keep.
bool gather_roots(Groups& groups) {
  size_t kept = 0;
  for (auto& [id, group] : groups) {
    if (level_of(id) == 0) group.roots.insert(id);
    for (const uint64_t member : group.members) {
      auto found = groups.find(member);
      if (found != groups.end() && found->first != id)
        group.roots.insert(found->second.roots.begin(), found->second.roots.end());
      if (kept + group.roots.size() > kMostIdsKept) return false;
    }
    kept += group.roots.size();
  }
  return true;
}

// From the roots down, level by level: when a block's turn comes, all that point to it have been there.
class RootSets {
 public:
  explicit RootSets(CheckState& state) : state_(state) {}

  // False: too many ways of sharing to keep them all.
  bool find() {
    for (const auto& [id, root] : state_.roots) {
      if (!counts(id) || root.level < 0 || root.level >= kMaxLevel) continue;
      add(blocks_[static_cast<size_t>(root.level)][root.bytenr], {id});
      tops_[root.bytenr] = &root;
    }
    for (size_t level = kMaxLevel; level-- > 0;)
      for (const auto& [bytenr, set] : blocks_[level]) {
        if (ids_kept_ > kMostIdsKept) return false;
        descend(bytenr, static_cast<int>(level), *set);
      }
    return ids_kept_ <= kMostIdsKept;
  }

  // Calls visit(bytes, roots) for each extent.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const auto& level : blocks_)
      for (const auto& [bytenr, set] : level) visit(uint64_t{state_.volume.nodesize()}, *set);
    for (const auto& [bytenr, data] : data_) visit(data.bytes, *data.roots);
  }

 private:
  using SetPointer = const RootSet*;
  struct DataExtent {
    uint64_t bytes = 0;
    SetPointer roots = nullptr;
  };

  static bool counts(uint64_t id) { return is_fs_tree(id); }

  // Sets are kept once each, since there are few: one for each way of sharing.
  SetPointer keep(RootSet set) {
    const auto [kept, is_new] = sets_.insert(std::move(set));
    if (is_new) ids_kept_ += kept->size();
    return &*kept;
  }

  void add(SetPointer& set, const RootSet& more) {
    if (set == nullptr) {
      set = keep(more);
    } else if (ids_kept_ <= kMostIdsKept &&
               !std::includes(set->begin(), set->end(), more.begin(), more.end())) {
      RootSet both = *set;
      both.insert(more.begin(), more.end());
      set = keep(std::move(both));
    }
  }

  void descend(uint64_t bytenr, int level, const RootSet& roots) {
    Block block(state_.volume.nodesize());
    // What can't be read was reported when its references were counted.
    if (state_.options.interrupted() ||
        !state_.volume.read_tree_block(bytenr, block, 0, level, state_.volume.super().generation))
      return;
    if (level == 0) return add_data(block, roots);
    const auto top = tops_.find(bytenr);
    NodeView node(block);
    for (uint32_t slot = 0; slot < node.count(); ++slot) {
      if (top != tops_.end() && already_dropped(*top->second, block, slot)) continue;
      add(blocks_[static_cast<size_t>(level - 1)][node.ptr(slot).blockptr], roots);
    }
  }

  void add_data(ByteSpan block, const RootSet& roots) {
    LeafView leaf(block);
    for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
      if (leaf.key(slot).type != key_type::kExtentData || leaf.data(slot).size() < sizeof(DiskFileExtent))
        continue;
      const auto extent = load<DiskFileExtent>(leaf.data(slot));
      if (extent.type == file_extent_type::kInline || extent.disk_bytenr == 0) continue;
      DataExtent& data = data_[extent.disk_bytenr];
      data.bytes = extent.disk_num_bytes;
      add(data.roots, roots);
    }
  }

  CheckState& state_;
  std::set<RootSet> sets_;
  size_t ids_kept_ = 0;
  std::array<std::map<uint64_t, SetPointer>, kMaxLevel> blocks_;
  std::map<uint64_t, DataExtent> data_;
  std::map<uint64_t, const TreeRoot*> tops_;  // by bytenr
};

void count(uint64_t bytes, const RootSet& roots, Groups& groups) {
  for (auto& [id, group] : groups) {
    size_t below = 0;
    for (const uint64_t root : roots) below += group.roots.contains(root);
    if (below == 0) continue;
    group.found_referenced += bytes;
    if (below == roots.size()) group.found_exclusive += bytes;
  }
}

// False: there is too much of it.
bool count_all(CheckState& state, QuotaTree& quotas) {
  RootSets sets(state);
  if (!gather_roots(quotas.groups) || !sets.find()) return false;
  std::map<const RootSet*, uint64_t> bytes_of;  // extents with the same roots count together
  sets.for_each([&](uint64_t bytes, const RootSet& roots) { bytes_of[&roots] += bytes; });
  size_t ids = 0;
  for (const auto& [roots, bytes] : bytes_of) ids += roots->size();
  if (ids * quotas.groups.size() > kMostLookUps) return false;
  for (const auto& [roots, bytes] : bytes_of) count(bytes, *roots, quotas.groups);
  return true;
}

}  // namespace

std::map<uint64_t, QuotaNumbers> count_quotas(CheckState& state, const TreeRoot& quota_root) {
  QuotaTree quotas = read_quota_tree(state, quota_root);
  std::map<uint64_t, QuotaNumbers> numbers;
  if (!count_all(state, quotas)) return numbers;
  for (const auto& [id, group] : quotas.groups) numbers[id] = {group.found_referenced, group.found_exclusive};
  return numbers;
}

void check_quotas(CheckState& state) {
  auto root = state.roots.find(objectid::kQuotaTree);
  if (root == state.roots.end()) return;
  QuotaTree quotas = read_quota_tree(state, root->second);
  if (!(quotas.status & qgroup_status::kOn) || (quotas.status & qgroup_status::kSimple)) return;
  if (quotas.status & (qgroup_status::kRescan | qgroup_status::kInconsistent))
    return state.warning("quota tree: says itself that its numbers wait for a rescan; they are not checked");
  if (!count_all(state, quotas))
    return state.warning("quota tree: too many groups and ways of sharing; its numbers are not checked");
  for (const auto& [id, group] : quotas.groups) {
    if (!group.has_info ||
        (group.referenced == group.found_referenced && group.exclusive == group.found_exclusive))
      continue;
    state.error("quota group {}: referenced {} exclusive {}, but its subvolumes have {} and {}",
                group_name(id), group.referenced, group.exclusive, group.found_referenced,
                group.found_exclusive);
  }
}

}  // namespace butterfuse::check
