// SPDX-License-Identifier: GPL-2.0-or-later
// RootTree: root items are believed as far as the blocks they name agree.
//
// Witnesses of where a tree's root is, each asked only where those before say nothing or are wrong:
// 1. the root item, if the block it names belongs to the tree;
// 2. the newest of the superblock's four backups, for the top subvolume, extents and checksums;
// 3. the extent tree: the highest block that is recorded for the tree.
#include "core/survey/root_tree.h"

#include <algorithm>
#include <set>

#include "core/ondisk/item_checks.h"
#include "core/ondisk/root_item.h"
#include "core/survey/derived_items.h"
#include "core/survey/lost_roots.h"

namespace butterfuse::repair {

using check::TreeRoot;

void RootTree::take(std::vector<TreeItem> items) {
  items_ = std::move(items);
  std::erase_if(items_, [](const TreeItem& item) {
    return item.key.type == key_type::kRootItem && item.key.objectid == objectid::kTreeReloc;
  });
  revive();
  for (TreeItem& item : items_)
    if (item.key.type == key_type::kRootItem) take_root_item(item);
  drop_space_cache();
  take_backup_roots();
}

// Subvolumes that nobody refers to, and that no orphan item asks to remove, were not deleted.
void RootTree::revive() {
  std::set<uint64_t> orphans;
  for (const TreeItem& item : items_)
    if (item.key.objectid == objectid::kOrphan) orphans.insert(item.key.offset);
  for (TreeItem& item : items_) {
    const uint64_t id = item.key.objectid;
    if (item.key.type != key_type::kRootItem || !is_fs_tree(id) || orphans.contains(id)) continue;
    DiskRootItem root = load_root_item(item.data);
    if (root.refs == 0) root.refs = 1;
    store_root_item(item.data, root);
  }
}

// Which of its blocks others share is not known here. Who writes asks the extent tree about blocks as old as
// the last snapshot and older; younger ones nobody asks about, and would change even if they are shared.
void RootTree::count_as_shared(uint64_t id, DiskRootItem& root) const {
  if (is_file_tree(id)) root.last_snapshot = generation_;
}

// The block itself knows its level and generation best. Where the block is not as promised, but whole, it is
// the item that is wrong.
void RootTree::take_root_item(TreeItem& item) {
  DiskRootItem root = load_root_item(item.data);
  std::vector<std::byte> block(volume_.nodesize());
  const bool as_promised =
      volume_.read_tree_block(root.bytenr, block, root.generation, root.level, kAnyGeneration).has_value();
  if (!as_promised && volume_.read_tree_block(root.bytenr, block, 0, -1, kAnyGeneration)) {
    root.level = header_of(block).level;
    root.generation = std::min<uint64_t>(header_of(block).generation, generation_);
    if (item.data.size() >= sizeof root) root.generation_v2 = root.generation;
  }
  if (is_file_tree(item.key.objectid)) root.root_dirid = objectid::kFirstFree;
  count_as_shared(item.key.objectid, root);
  store_root_item(item.data, root);
  roots_[item.key.objectid] = {item.key.objectid, root.bytenr, root.generation, root.level, root};
}

// Of version 1: files in the root tree that say what space was free. It is as old as the last commit, and
// says other than what is written anew.
void RootTree::drop_space_cache() {
  std::set<uint64_t> files;
  const auto is_head = [](const Key& key) { return key.objectid == objectid::kFreeSpace && key.type == 0; };
  for (const TreeItem& item : items_)
    if (is_head(item.key) && item.data.size() >= sizeof(DiskKey))
      files.insert(Key(load<DiskKey>(item.data)).objectid);
  std::erase_if(items_, [&](const TreeItem& item) {
    const bool of_inode = item.key.type == key_type::kInodeItem || item.key.type == key_type::kExtentData;
    return is_head(item.key) || (of_inode && files.contains(item.key.objectid));
  });
}

void RootTree::take_backup_roots() {
  const DiskRootBackup* newest = nullptr;
  for (const DiskRootBackup& backup : volume_.super().super_roots)
    if (backup.tree_root_gen <= generation_ &&
        (newest == nullptr || backup.tree_root_gen > newest->tree_root_gen))
      newest = &backup;
  if (newest == nullptr) return;
  take_backup_root({objectid::kFsTree, newest->fs_root, newest->fs_root_gen, newest->fs_root_level, {}});
  take_backup_root(
      {objectid::kExtentTree, newest->extent_root, newest->extent_root_gen, newest->extent_root_level, {}});
  take_backup_root(
      {objectid::kCsumTree, newest->csum_root, newest->csum_root_gen, newest->csum_root_level, {}});
}

void RootTree::take_backup_root(const TreeRoot& root) {
  std::vector<std::byte> block(volume_.nodesize());
  if (roots_.contains(root.id) || root.bytenr == 0 ||
      !volume_.read_tree_block(root.bytenr, block, root.generation, root.level, kAnyGeneration) ||
      header_of(block).owner != root.id)
    return;
  TreeItem item = new_root_item(root.id, volume_.nodesize());
  set_root(item, root);
  items_.push_back(std::move(item));
  report_(fmt::format("tree {}: its root is taken from the superblock's backups", tree_name(root.id)));
}

void RootTree::find_lost_roots(const RecordedBlocks& recorded) {
  for (const uint64_t id : recorded.trees()) {
    const auto have = roots_.find(id);
    const bool deleted = have != roots_.end() && have->second.item.refs == 0;
    if ((!is_fs_tree(id) && id != objectid::kCsumTree) || deleted) continue;
    if (have != roots_.end() && names_own_block(volume_, recorded, have->second)) continue;
    const auto found = recorded_root(volume_, recorded, id);
    if (!found) continue;
    auto item = std::ranges::find_if(items_, [&](const TreeItem& one) {
      return one.key.objectid == id && one.key.type == key_type::kRootItem;
    });
    if (item == items_.end()) item = items_.insert(item, new_root_item(id, volume_.nodesize()));
    set_root(*item, *found);
    report_(fmt::format("tree {}: its root is block {}, by the extent tree", tree_name(id), found->bytenr));
  }
}

void RootTree::set_root(TreeItem& item, TreeRoot root) {
  root.item = load_root_item(item.data);
  root.item.bytenr = root.bytenr;
  root.item.generation = root.item.generation_v2 = root.generation;
  root.item.level = static_cast<uint8_t>(root.level);
  count_as_shared(root.id, root.item);
  store_root_item(item.data, root.item);
  roots_[root.id] = root;
}

}  // namespace butterfuse::repair
