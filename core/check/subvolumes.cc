// SPDX-License-Identifier: GPL-2.0-or-later
// Every subvolume's names and inodes, and the references that hang subvolumes into directories.
// What leads from one to another is kept apart (subvolume_names), and compared at the end.
//
// A subvolume is weighed first, in sums that are formed once for each block that snapshots share. Where they
// say that something is wrong, its names and inodes are gathered one by one, to tell what: all of one
// subvolume are in memory then, and forgotten before the next.
#include "core/base/shown_name.h"
#include "core/check/shared_subtrees.h"
#include "core/check/subvolume_records.h"
#include "core/check/tree_walk.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse::check {
namespace {

using RootRefs = std::map<std::pair<uint64_t, uint64_t>, std::vector<std::byte>>;  // by parent and child

// A subvolume in use hangs in a directory; a deleted one is an orphan of the root tree until it is gone.
void check_places(CheckState& state, const RootRefs& refs, const std::set<uint64_t>& orphans) {
  std::set<uint64_t> placed;
  for (const auto& [pair, data] : refs) {
    const auto [parent, child] = pair;
    const auto parent_root = state.roots.find(parent);
    if (!state.roots.contains(child)) {
      state.error("subvolume {}: has a ROOT_REF from {}, but no ROOT_ITEM", child, parent);
      continue;
    }
    placed.insert(child);
    if (parent_root == state.roots.end() || parent_root->second.item.refs == 0) continue;
    const auto ref = root_ref_entry(data);
    if (!ref) {
      state.error("subvolume {}: its ROOT_REF from {} has {} bytes", child, parent, data.size());
      continue;
    }
    if (!state.subvolume_names.contains({parent, child, ref->dir_ino, ref->index, std::string(ref->name)}))
      state.error("subvolume {}: subvolume {} has no entry '{}' with index {} for it in directory {}", child,
                  parent, shown_name(ref->name), ref->index, ref->dir_ino);
  }
  for (const auto& [id, root] : state.roots) {
    if (id < objectid::kFirstFree || id > objectid::kLastFree) continue;
    if (root.item.refs > 0 && !placed.contains(id)) state.error("subvolume {}: hangs in no directory", id);
    if (root.item.refs == 0 && !orphans.contains(id))
      state.error("subvolume {}: deleted, but no orphan item asks to remove it", id);
  }
}

// ROOT_REF (parent, child) and ROOT_BACKREF (child, parent) come in equal pairs.
void check_root_refs(CheckState& state) {
  RootRefs refs, backrefs;
  std::set<uint64_t> orphans;
  walk_items(state, state.roots[objectid::kRootTree], [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type == key_type::kRootRef) refs[{key.objectid, key.offset}] = {data.begin(), data.end()};
    if (key.type == key_type::kRootBackref) backrefs[{key.offset, key.objectid}] = {data.begin(), data.end()};
    if (key.type == key_type::kOrphanItem && key.objectid == objectid::kOrphan) orphans.insert(key.offset);
  });
  if (!state.options.interrupted()) check_places(state, refs, orphans);
  // Mostly, and quicker than looking at each.
  if (refs == backrefs) return;
  for (const auto& [pair, data] : refs) {
    auto other = backrefs.find(pair);
    if (other == backrefs.end() || other->second != data) {
      state.error("subvolume {}: ROOT_REF from {} has no equal ROOT_BACKREF", pair.second, pair.first);
    }
  }
  for (const auto& [pair, data] : backrefs) {
    if (!refs.contains(pair))
      state.error("subvolume {}: ROOT_BACKREF to {} has no ROOT_REF", pair.second, pair.first);
  }
}

}  // namespace

void check_subvolumes(CheckState& state) {
  uint64_t done = 0;
  SharedSubtrees subtrees(state);
  for (const auto& [id, root] : state.roots) {
    state.options.on_progress("subvolumes",
                              static_cast<double>(done++) / static_cast<double>(state.roots.size()));
    if (id == objectid::kFsTree && root.item.refs == 0) state.error("subvolume {}: refs is 0", id);
    if (!is_file_tree(id) || root.item.refs == 0) continue;
    if (root.item.root_dirid != objectid::kFirstFree)
      state.error("subvolume {}: its top directory is {}, not {}", id, uint64_t{root.item.root_dirid},
                  objectid::kFirstFree);
    if (is_fs_tree(id) && subtrees.is_sound(root)) continue;
    SubvolumeRecords records(state, id);
    walk_items(state, root, [&](const Key& key, ByteSpan data, ByteSpan) { records.add(key, data); });
    if (!state.options.interrupted()) records.judge();
  }
  check_root_refs(state);
}

}  // namespace butterfuse::check
