// Forest: from the superblock to the trees; a damaged one becomes a list of items.
#include "core/repair/forest.h"

#include <sys/stat.h>

#include "core/check/block_walk.h"
#include "core/check/quotas.h"
#include "core/check/tree_walk.h"
#include "core/ondisk/entry_type.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/qgroup_items.h"
#include "core/ondisk/root_item.h"
#include "core/repair/derived_items.h"
#include "core/repair/file_extents.h"
#include "core/repair/lost_roots.h"
#include "core/repair/overlapping_extents.h"
#include "core/repair/subvolume_survey.h"

namespace butterfuse::repair {
namespace {

using check::TreeRoot;

// Their items follow from other trees.
constexpr uint64_t kDerived[] = {objectid::kExtentTree, objectid::kDevTree, objectid::kFreeSpaceTree,
                                 objectid::kBlockGroupTree};

bool is_derived(uint64_t id) {
  return std::find(std::begin(kDerived), std::end(kDerived), id) != std::end(kDerived);
}
bool accept_all(const Key&, std::vector<std::byte>&) { return true; }

class Surveyor {
 public:
  Surveyor(Volume& volume, const ForestWishes& wishes, const Report& report)
      : volume_(volume), wishes_(wishes), report_(report), generation_(volume.super().generation) {}

  Result<Forest> run() {
    BF_TRY(take_chunk_tree());
    BF_TRY(take_root_tree());
    const auto extent_root = roots_.find(objectid::kExtentTree);
    if (extent_root != roots_.end()) forest_.recorded = read_recorded_extents(volume_, extent_root->second);
    find_lost_roots();
    if (!roots_.contains(objectid::kFsTree))
      return make_error(EUCLEAN,
                        "the root tree has no top subvolume: with another one all files would be lost");
    for (const auto& [id, root] : roots_) BF_TRY(take_tree(root));
    for (const uint64_t id :
         {objectid::kExtentTree, objectid::kDevTree, objectid::kCsumTree, objectid::kFsTree})
      if (!forest_.sound.contains(id)) forest_.anew[id];
    if (wishes_.new_quotas) count_quotas_anew();
    return std::move(forest_);
  }

 private:
  Status take_chunk_tree() {
    const DiskSuper& super = volume_.super();
    const TreeRoot root{
        objectid::kChunkTree, super.chunk_root, super.chunk_root_generation, super.chunk_root_level, {}};
    const auto ignore = [](const Error&) {};
    load_chunk_tree(volume_, ignore);
    std::vector<std::byte> block(volume_.nodesize());
    if (volume_.read_tree_block(root.bytenr, block, 0, -1, ~uint64_t{0})) {
      Uuid uuid;
      std::memcpy(uuid.bytes.data(), header_of(block).chunk_tree_uuid, uuid.bytes.size());
      volume_.set_chunk_tree_uuid(uuid);
    }
    const bool sound = is_sound(volume_, root, accept_all);
    if (sound && !wishes_.new_chunks) {
      forest_.sound[root.id] = root;
      return {};
    }
    SalvagedTree salvaged = salvage(root, accept_all, sound);
    // Without a chunk all that lies in it would be given up, though it is there.
    if (salvaged.items.empty() || salvaged.blocks_lost || salvaged.items_lost)
      return make_error(EUCLEAN, "the chunk tree at {} can't be read whole", root.bytenr);
    forest_.anew[root.id] = std::move(salvaged.items);
    return {};
  }

  Status take_root_tree() {
    const DiskSuper& super = volume_.super();
    const TreeRoot root{objectid::kRootTree, super.root, super.generation, super.root_level, {}};
    SalvagedTree salvaged = salvage(root, accept_all, is_sound(volume_, root, accept_all));
    if (salvaged.items.empty()) return make_error(EUCLEAN, "the root tree at {} can't be read", root.bytenr);
    revive(salvaged.items);
    std::erase_if(salvaged.items, [&](TreeItem& item) {
      // What an interrupted balance left; it starts anew.
      if (item.key.type != key_type::kRootItem) return false;
      if (item.key.objectid == objectid::kTreeReloc) return true;
      return !take_root_item(item);
    });
    drop_space_cache(salvaged.items);
    take_backup_roots(salvaged.items);
    forest_.anew[root.id] = std::move(salvaged.items);
    return {};
  }

  // Subvolumes that nobody refers to, and that no orphan item asks to remove, were not deleted.
  static void revive(std::vector<TreeItem>& root_tree) {
    std::set<uint64_t> orphans;
    for (const TreeItem& item : root_tree)
      if (item.key.objectid == objectid::kOrphan) orphans.insert(item.key.offset);
    for (TreeItem& item : root_tree) {
      const uint64_t id = item.key.objectid;
      if (item.key.type != key_type::kRootItem || !is_fs_tree(id) || orphans.contains(id)) continue;
      DiskRootItem root = load_root_item(item.data);
      if (root.refs == 0) root.refs = 1;
      store_root_item(item.data, root);
    }
  }

  // Roots that the root tree has lost may still be among the superblock's backups.
  void take_backup_roots(std::vector<TreeItem>& root_tree) {
    const DiskRootBackup* newest = nullptr;
    for (const DiskRootBackup& backup : volume_.super().super_roots)
      if (backup.tree_root_gen <= generation_ &&
          (newest == nullptr || backup.tree_root_gen > newest->tree_root_gen))
        newest = &backup;
    if (newest == nullptr) return;
    take_backup_root(root_tree,
                     {objectid::kFsTree, newest->fs_root, newest->fs_root_gen, newest->fs_root_level, {}});
    take_backup_root(
        root_tree,
        {objectid::kExtentTree, newest->extent_root, newest->extent_root_gen, newest->extent_root_level, {}});
    take_backup_root(
        root_tree,
        {objectid::kCsumTree, newest->csum_root, newest->csum_root_gen, newest->csum_root_level, {}});
  }

  void take_backup_root(std::vector<TreeItem>& root_tree, TreeRoot root) {
    std::vector<std::byte> block(volume_.nodesize());
    if (roots_.contains(root.id) || root.bytenr == 0 ||
        !volume_.read_tree_block(root.bytenr, block, root.generation, root.level, ~uint64_t{0}) ||
        header_of(block).owner != root.id)
      return;
    TreeItem item = new_root_item(root.id, volume_.nodesize());
    set_root(item, root);
    root_tree.push_back(std::move(item));
    report_(fmt::format("tree {}: its root is taken from the superblock's backups", root.id));
  }

  // Root items that are missing or lead astray, by what the extent tree records.
  void find_lost_roots() {
    std::vector<TreeItem>& root_tree = forest_.anew[objectid::kRootTree];
    for (const uint64_t id : forest_.recorded.tree_blocks.trees()) {
      const auto have = roots_.find(id);
      const bool deleted = have != roots_.end() && have->second.item.refs == 0;
      if ((!is_fs_tree(id) && id != objectid::kCsumTree) || deleted) continue;
      if (have != roots_.end() && names_own_block(volume_, forest_.recorded.tree_blocks, have->second))
        continue;
      auto found = recorded_root(volume_, forest_.recorded.tree_blocks, id);
      if (!found) continue;
      auto item = std::ranges::find_if(root_tree, [&](const TreeItem& one) {
        return one.key.objectid == id && one.key.type == key_type::kRootItem;
      });
      if (item == root_tree.end()) item = root_tree.insert(item, new_root_item(id, volume_.nodesize()));
      set_root(*item, *found);
      report_(fmt::format("tree {}: its root is block {}, by the extent tree", id, found->bytenr));
    }
  }

  void set_root(TreeItem& item, TreeRoot root) {
    root.item = load_root_item(item.data);
    root.item.bytenr = root.bytenr;
    root.item.generation = root.item.generation_v2 = root.generation;
    root.item.level = static_cast<uint8_t>(root.level);
    store_root_item(item.data, root.item);
    roots_[root.id] = root;
  }

  // Of version 1: files in the root tree that say what space was free.
  static void drop_space_cache(std::vector<TreeItem>& root_tree) {
    std::set<uint64_t> files;
    const auto is_head = [](const Key& key) { return key.objectid == objectid::kFreeSpace && key.type == 0; };
    for (const TreeItem& item : root_tree)
      if (is_head(item.key) && item.data.size() >= sizeof(DiskKey))
        files.insert(Key(load<DiskKey>(item.data)).objectid);
    std::erase_if(root_tree, [&](const TreeItem& item) {
      const bool of_inode = item.key.type == key_type::kInodeItem || item.key.type == key_type::kExtentData;
      return is_head(item.key) || (of_inode && files.contains(item.key.objectid));
    });
  }

  // The block itself knows its level and generation best. False: the item is of no use.
  bool take_root_item(TreeItem& item) {
    DiskRootItem root = load_root_item(item.data);
    std::vector<std::byte> block(volume_.nodesize());
    const bool as_promised =
        volume_.read_tree_block(root.bytenr, block, root.generation, root.level, ~uint64_t{0}).has_value();
    if (!as_promised && volume_.read_tree_block(root.bytenr, block, 0, -1, ~uint64_t{0})) {
      root.level = header_of(block).level;
      root.generation = std::min<uint64_t>(header_of(block).generation, generation_);
      if (item.data.size() >= sizeof root) root.generation_v2 = root.generation;
    }
    if (is_fs_tree(item.key.objectid) || item.key.objectid == objectid::kDataRelocTree)
      root.root_dirid = objectid::kFirstFree;
    store_root_item(item.data, root);
    roots_[item.key.objectid] = {item.key.objectid, root.bytenr, root.generation, root.level, root};
    return true;
  }

  Status take_tree(const TreeRoot& root) {
    if (is_derived(root.id)) {
      forest_.anew[root.id] =
          root.id == objectid::kDevTree ? device_statistics(root) : std::vector<TreeItem>();
      leave(root);
      return {};
    }
    FileExtentFilter file_extents(volume_, forest_.recorded, root.id);
    OverlapWatch overlaps;
    const ItemFilter filter = [&](const Key& key, std::vector<std::byte>& data) {
      if ((is_fs_tree(root.id) || root.id == objectid::kDataRelocTree) && !is_fs_tree_item(key)) return false;
      if (!is_fs_tree(root.id)) return true;
      overlaps.add(key, data);
      return file_extents.accept(key, data);
    };
    const bool wanted = (root.id == objectid::kCsumTree && wishes_.new_csums) ||
                        (root.id == objectid::kQuotaTree && wishes_.new_quotas);
    LostNodes lost(forest_.recorded.tree_blocks, node_survey_, root.id);
    const bool unreached = lost.find_unreached(root);
    const bool sound = is_sound(volume_, root, filter) && !overlaps.found() && !unreached;
    if (sound && !wanted) {
      forest_.sound[root.id] = root;
    } else if (is_fs_tree(root.id) && root.item.refs == 0) {
      give_up_deleted(root);
    } else {
      SalvagedTree salvaged = salvage(root, filter, sound, &lost);
      if (is_fs_tree(root.id) && salvaged.items.empty() && salvaged.blocks_lost > 0)
        return make_error(EUCLEAN, "nothing of subvolume {} can be read; an empty one would bury its files",
                          root.id);
      forest_.anew[root.id] = std::move(salvaged.items);
      if (is_fs_tree(root.id)) {
        tell_kinds(forest_.anew[root.id], salvaged.kindless);
        complete_file_tree(root.id, forest_.anew[root.id]);
      }
    }
    return {};
  }

  // A subvolume whose deletion was under way: what is left of it is what nobody wants.
  void give_up_deleted(const TreeRoot& root) {
    std::erase_if(forest_.anew[objectid::kRootTree], [&](const TreeItem& item) {
      const bool orphan = item.key.objectid == objectid::kOrphan && item.key.offset == root.id;
      return orphan || (item.key.objectid == root.id && item.key.type == key_type::kRootItem);
    });
    report_(fmt::format("root {}: was half deleted and is damaged: deleted", root.id));
    leave(root);
  }

  // Of inodes whose mode said nothing of what they are, their entries or names do.
  static void tell_kinds(std::vector<TreeItem>& items, const std::set<uint64_t>& kindless) {
    const auto survey = kindless.empty() ? Result<SubvolumeSurvey>() : survey_items(items);
    if (!survey) return;
    std::map<uint64_t, uint32_t> kinds;
    for (const auto& [place, name] : survey->names)
      if (name.item && kindless.contains(name.item->location.objectid))
        kinds[name.item->location.objectid] = mode_of_entry_type(name.item->type);
    for (TreeItem& item : items) {
      if (item.key.type != key_type::kInodeItem || !kindless.contains(item.key.objectid)) continue;
      uint32_t kind = kinds[item.key.objectid];
      if (survey->inodes.at(item.key.objectid).has_entries) kind = S_IFDIR;
      auto inode = load<DiskInodeItem>(item.data);
      if (kind != 0) inode.mode = (inode.mode & ~uint32_t{S_IFMT}) | kind;
      store(MutableByteSpan(item.data), inode);
    }
  }

  void complete_file_tree(uint64_t root_id, std::vector<TreeItem>& items) {
    if (const uint32_t count = separate_extents(items))
      report_(fmt::format("root {}: {} file extents gave way to newer ones", root_id, count));
    complete_inodes(root_id, items);
  }

  // tree_checker wants an inode's item before its other items.
  void complete_inodes(uint64_t root_id, std::vector<TreeItem>& items) {
    const auto survey = survey_items(items);
    if (!survey) return;
    std::set<uint64_t> worthless;
    for (const auto& [ino, inode] : survey->inodes) {
      if (inode.item || ino < objectid::kFirstFree || ino > objectid::kLastFree) continue;
      if (is_worth_an_inode(inode, ino)) {
        const DiskInodeItem item = guess_inode(*survey, ino, generation_);
        const ByteSpan bytes = object_bytes(item);
        items.push_back({{ino, key_type::kInodeItem, 0}, {bytes.begin(), bytes.end()}});
        report_(
            fmt::format("root {}: inode {}: made anew with mode {:o}", root_id, ino, uint32_t{item.mode}));
      } else {
        worthless.insert(ino);
      }
    }
    std::erase_if(items, [&](const TreeItem& item) { return worthless.contains(item.key.objectid); });
    std::sort(items.begin(), items.end(), [](const TreeItem& a, const TreeItem& b) { return a.key < b.key; });
  }

  SalvagedTree salvage(const TreeRoot& root, const ItemFilter& filter, bool sound,
                       LostNodes* lost = nullptr) {
    SalvagedTree salvaged = salvage_tree(volume_, root, generation_, filter, lost);
    if (!sound)
      report_(fmt::format(
          "tree {}: {} items saved, {} mended, {} lost, {} blocks can't be read, {} found otherwise", root.id,
          salvaged.items.size(), salvaged.items_mended, salvaged.items_lost, salvaged.blocks_lost,
          salvaged.blocks_found));
    leave(root);
    return salvaged;
  }

  void count_quotas_anew() {
    const auto root = roots_.find(objectid::kQuotaTree);
    if (root == roots_.end()) return;
    const CheckOptions silent;
    check::CheckState state(volume_, silent);
    state.roots = forest_.sound;
    const auto numbers = check::count_quotas(state, root->second);
    for (TreeItem& item : forest_.anew[objectid::kQuotaTree]) {
      if (item.key.type != key_type::kQgroupInfo || item.data.size() < sizeof(DiskQgroupInfo)) continue;
      const auto found = numbers.find(item.key.offset);
      if (found == numbers.end()) continue;
      auto info = load<DiskQgroupInfo>(item.data);
      info.referenced = info.referenced_compressed = found->second.referenced;
      info.exclusive = info.exclusive_compressed = found->second.exclusive;
      store(MutableByteSpan(item.data), info);
    }
    report_("quota groups: counted anew");
  }

  void leave(const TreeRoot& root) {
    const auto note = [&](ByteSpan block) { forest_.left_blocks.push_back(header_of(block).bytenr); };
    BlockWalk(volume_, note, [](const Error&) {}).walk({root.bytenr, 0, root.level});
  }

  // Error counts of devices are in the device tree, and nowhere else.
  std::vector<TreeItem> device_statistics(const TreeRoot& root) {
    std::vector<TreeItem> items = salvage_tree(volume_, root, generation_, accept_all).items;
    std::erase_if(items, [](const TreeItem& item) { return item.key.type != key_type::kPersistentItem; });
    return items;
  }

  Volume& volume_;
  const ForestWishes wishes_;
  const Report& report_;
  const uint64_t generation_;
  std::map<uint64_t, TreeRoot> roots_;
  NodeSurvey node_survey_{volume_, roots_};
  Forest forest_;
};

}  // namespace

Result<Forest> survey(Volume& volume, const ForestWishes& wishes, const Report& report) {
  return Surveyor(volume, wishes, report).run();
}

}  // namespace butterfuse::repair
