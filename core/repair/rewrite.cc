// SPDX-License-Identifier: GPL-2.0-or-later
// rewrite_trees: the extent tree must list its own blocks, so their number is found step by step.
//
// What must be known before what:
//
//     chunks ──────────────> items of the device tree, sizes of devices            prepare_items
//     items of a tree ─────> how many blocks it takes ─> their bytenrs             place_trees
//     all blocks, its own ─> the extent tree; it grows until it holds itself       place_extent_tree
//     bytenr of a top block ─> its root item, of the same length as before         name_roots
//     blocks ─> flush ─> superblocks ─> flush
//
// A bytenr never changes how long an item is: that is why blocks can be placed before their content is known.
// All new blocks are of one generation, above the superblock's, as if one commit had written them.
#include "core/repair/rewrite.h"

#include <algorithm>

#include "core/ondisk/item_checks.h"
#include "core/ondisk/root_item.h"
#include "core/repair/block_space.h"
#include "core/repair/device_sizes.h"
#include "core/survey/derived_items.h"

namespace butterfuse::repair {
namespace {

struct NewTree {
  uint64_t id = 0;
  std::vector<TreeItem> items;
  std::vector<uint64_t> bytenrs;
  uint8_t level = 0;
  uint64_t root() const { return bytenrs.back(); }
};

class Rewriter {
 public:
  Rewriter(Volume& volume, Forest forest)
      : volume_(volume),
        super_(volume.super()),
        forest_(std::move(forest)),
        extents_(collect_extents(volume, forest_)),
        space_(volume, extents_, forest_.left_blocks),
        generation_(super_.generation + 1) {}

  Status run() {
    prepare_items();
    BF_TRY(place_trees());
    BF_TRY(place_extent_tree());
    name_roots();
    for (NewTree& tree : trees_) BF_TRY(write(tree));
    // The superblock must not be on disk before what it leads to.
    BF_TRY(volume_.flush());
    prepare_super();
    BF_TRY(volume_.write_supers(super_));
    return volume_.flush();
  }

 private:
  // Else block group items lie in the extent tree, and take part in its growing.
  bool has_block_group_tree() const { return super_.compat_ro_flags & compat_ro::kBlockGroupTree; }

  // In this order: device extents and sizes follow from the chunks alone, checksums from the extents that
  // were found, and only then it is known which trees there will be.
  void prepare_items() {
    auto& anew = forest_.anew;
    add_device_extents(anew[objectid::kDevTree], volume_);
    if (anew.contains(objectid::kChunkTree)) {
      mend_device_items(anew[objectid::kChunkTree], volume_);
      device_bytes_ = mend_device_sizes(anew[objectid::kChunkTree], volume_);
    }
    if (anew.contains(objectid::kCsumTree))
      anew[objectid::kCsumTree] = sound_csum_items(anew[objectid::kCsumTree], volume_, extents_);
    for (auto& [id, items] : anew)
      if (is_file_tree(id) && items.empty()) items = empty_subvolume(generation_, volume_.nodesize());
    if (super_.compat_ro_flags & compat_ro::kFreeSpaceTree) anew[objectid::kFreeSpaceTree];
    if (has_block_group_tree()) anew[objectid::kBlockGroupTree];
    add_missing_root_items();
  }

  void add_missing_root_items() {
    std::vector<TreeItem>& root_tree = forest_.anew[objectid::kRootTree];
    for (const auto& [id, items] : forest_.anew) {
      if (id == objectid::kRootTree || id == objectid::kChunkTree) continue;
      const bool there =
          std::any_of(root_tree.begin(), root_tree.end(), [&, wanted = id](const TreeItem& item) {
            return item.key.objectid == wanted && item.key.type == key_type::kRootItem;
          });
      if (!there) root_tree.push_back(new_root_item(id, volume_.nodesize()));
    }
    std::ranges::sort(root_tree, {}, &TreeItem::key);
  }

  // Finds the blocks of all trees whose size is known, and counts them in. The block group tree's items are
  // filled in later: their number is not in doubt.
  Status place_trees() {
    for (auto& [id, items] : forest_.anew) {
      if (id == objectid::kExtentTree) continue;
      NewTree tree{id, std::move(items), {}, 0};
      if (id == objectid::kBlockGroupTree) tree.items = block_group_items(volume_, extents_);
      BF_TRY(place(tree));
      trees_.push_back(std::move(tree));
    }
    return {};
  }

  // What salvage gives is sound; what follows from chunks may not be, where two of them claim the same bytes.
  static Status check_order(const NewTree& tree) {
    const auto wrong =
        std::adjacent_find(tree.items.begin(), tree.items.end(),
                           [](const TreeItem& a, const TreeItem& b) { return a.key >= b.key; });
    if (wrong == tree.items.end()) return {};
    return make_error(EUCLEAN, "tree {} would have {} twice: chunks or extents lie over each other",
                      tree_name(tree.id), to_text(std::next(wrong)->key));
  }

  Status place(NewTree& tree) {
    BF_TRY(check_order(tree));
    const std::vector<uint8_t> levels = tree_block_levels(tree.items, volume_.nodesize());
    if (levels.size() > tree.bytenrs.size()) {
      const uint64_t type = tree.id == objectid::kChunkTree ? bg::kSystem : bg::kMetadata;
      BF_ASSIGN(const auto more, space_.take(levels.size() - tree.bytenrs.size(), type));
      tree.bytenrs.insert(tree.bytenrs.end(), more.begin(), more.end());
    }
    tree.level = levels.back();
    for (size_t i = 0; i < levels.size(); ++i) {
      Extent& extent = extents_[tree.bytenrs[i]];
      // Anew each round: a block may be of another level than in the round before.
      extent = Extent{volume_.nodesize(), generation_, true, false, levels[i], {}, {}};
      extent.add(extent_ref_of(TreeRef{.root = tree.id}));
    }
    return {};
  }

  // Each round has the blocks of the round before in the tree; a tree only grows, so the rounds end.
  Status place_extent_tree() {
    NewTree tree{objectid::kExtentTree, {}, {}, 0};
    for (size_t blocks = ~size_t{0}; blocks != tree.bytenrs.size();) {
      blocks = tree.bytenrs.size();
      fill_extent_tree(tree);
      BF_TRY(place(tree));
    }
    if (!is_skinny()) note_first_keys(tree);
    fill_extent_tree(tree);
    trees_.push_back(std::move(tree));
    return {};
  }

  void fill_extent_tree(NewTree& tree) {
    tree.items = extent_items(extents_, is_skinny(), volume_.nodesize());
    std::vector<TreeItem> groups = block_group_items(volume_, extents_);
    if (has_block_group_tree()) {
      tree_of(objectid::kBlockGroupTree).items = std::move(groups);
      return;
    }
    tree.items.insert(tree.items.end(), std::make_move_iterator(groups.begin()),
                      std::make_move_iterator(groups.end()));
    std::ranges::sort(tree.items, {}, &TreeItem::key);
  }

  bool is_skinny() const { return super_.incompat_flags & incompat::kSkinnyMetadata; }

  // Extent items without skinny-metadata name the first key of their block; the size is the same with any.
  void note_first_keys(const NewTree& extent_tree) {
    const auto note = [this](const NewTree& tree) {
      for (const BlockImage& block : build(tree)) extents_[block.bytenr].first_key = block.first_key;
    };
    for (const NewTree& tree : trees_) note(tree);
    note(extent_tree);
  }

  NewTree& tree_of(uint64_t id) {
    return *std::find_if(trees_.begin(), trees_.end(), [id](const NewTree& tree) { return tree.id == id; });
  }

  void name_roots() {
    for (TreeItem& item : tree_of(objectid::kRootTree).items) {
      if (item.key.type != key_type::kRootItem) continue;
      const auto tree = std::find_if(trees_.begin(), trees_.end(),
                                     [&](const NewTree& one) { return one.id == item.key.objectid; });
      if (tree == trees_.end()) continue;
      DiskRootItem root = load_root_item(item.data);
      root.bytenr = tree->root();
      root.level = tree->level;
      root.generation = root.generation_v2 = generation_;
      root.bytes_used = tree->bytenrs.size() * volume_.nodesize();
      store_root_item(item.data, root);
    }
  }

  std::vector<BlockImage> build(const NewTree& tree) const {
    const BlockIdentity identity{volume_.nodesize(), volume_.csum_type(), volume_.metadata_fsid(),
                                 volume_.chunk_tree_uuid(), generation_};
    return build_tree(identity, tree.id, tree.items, tree.bytenrs);
  }

  Status write(const NewTree& tree) {
    for (const BlockImage& block : build(tree))
      BF_TRY(volume_.write(block.bytenr, block.bytes, WriteKind::metadata));
    return {};
  }

  void prepare_super() {
    const NewTree& root_tree = tree_of(objectid::kRootTree);
    super_.generation = generation_;
    super_.root = root_tree.root();
    super_.root_level = root_tree.level;
    if (forest_.anew.contains(objectid::kChunkTree)) {
      const NewTree& chunk_tree = tree_of(objectid::kChunkTree);
      super_.chunk_root = chunk_tree.root();
      super_.chunk_root_level = chunk_tree.level;
      super_.chunk_root_generation = generation_;
      count_devices(chunk_tree);
    }
    // The log's items are changes to trees that are no longer the same; the error flag, the backups, and the
    // marks that say which of the caches and of the uuid tree are current all speak of the old trees, too.
    super_.log_root = 0;
    super_.log_root_level = 0;
    super_.flags = super_.flags & ~super_flag::kError;
    super_.compat_ro_flags = super_.compat_ro_flags & ~compat_ro::kFreeSpaceTreeValid;
    super_.cache_generation = 0;
    super_.uuid_tree_generation = 0;
    uint64_t bytes_used = 0;
    for (const auto& [bytenr, extent] : extents_) bytes_used += extent.length;
    super_.bytes_used = bytes_used;
    // They name trees that are gone.
    std::memset(static_cast<void*>(super_.super_roots), 0, sizeof super_.super_roots);
  }

  void count_devices(const NewTree& chunk_tree) {
    uint64_t devices = 0;
    for (const TreeItem& item : chunk_tree.items) {
      if (item.key.type != key_type::kDevItem || item.data.size() < sizeof(DiskDevItem)) continue;
      ++devices;
    }
    if (devices > 0) super_.num_devices = devices;
    super_.total_bytes = device_bytes_;
  }

  Volume& volume_;
  DiskSuper super_;
  Forest forest_;
  ExtentMap extents_;
  BlockSpace space_;
  const uint64_t generation_;
  uint64_t device_bytes_ = 0;  // of all devices, where the chunk tree is written anew
  std::vector<NewTree> trees_;
};

}  // namespace

Status rewrite_trees(Volume& volume, Forest forest) { return Rewriter(volume, std::move(forest)).run(); }

}  // namespace butterfuse::repair
