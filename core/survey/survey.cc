// SPDX-License-Identifier: GPL-2.0-or-later
// Survey: from the superblock to the trees; a damaged one becomes a list of items.
//
// In which order trees are read, and what each is needed for:
// 1. the chunk tree: nothing can be read without it, and where it is not whole there is nothing to go by;
// 2. the root tree: it names all others;
// 3. the extent tree, as a witness only: of roots, of blocks below lost nodes, of places of file extents. It
//    may be the damaged one, and so it is asked only where the trees contradict themselves;
// 4. each other tree, which is sound, or is salvaged, or follows from others (kDerived).
//
// A tree that is sound keeps its blocks. One that is not is taken apart into items, and none of its blocks is
// believed any longer than it takes to copy them: what is written anew shares nothing with what is damaged.
#include "core/survey/survey.h"

#include <sys/stat.h>

#include "core/check/block_walk.h"
#include "core/check/quotas.h"
#include "core/check/tree_walk.h"
#include "core/ondisk/entry_type.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/qgroup_items.h"
#include "core/survey/derived_items.h"
#include "core/survey/file_extents.h"
#include "core/survey/lost_nodes.h"
#include "core/survey/node_survey.h"
#include "core/survey/overlapping_extents.h"
#include "core/survey/root_tree.h"
#include "core/survey/salvage.h"
#include "core/survey/salvaged_tree.h"
#include "core/survey/subvolume_survey.h"

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
    const auto& roots = root_tree_.roots();
    if (const auto extent_root = roots.find(objectid::kExtentTree); extent_root != roots.end())
      forest_.recorded = read_recorded_extents(volume_, extent_root->second);
    root_tree_.find_lost_roots(forest_.recorded.tree_blocks);
    forest_.anew[objectid::kRootTree] = root_tree_.take_items();
    if (!roots.contains(objectid::kFsTree))
      return make_error(EUCLEAN,
                        "the root tree has no top subvolume: with another one all files would be lost");
    for (const auto& [id, root] : roots) BF_TRY(take_tree(root));
    for (const uint64_t id :
         {objectid::kExtentTree, objectid::kDevTree, objectid::kCsumTree, objectid::kFsTree})
      if (!forest_.sound.contains(id)) forest_.anew[id];
    if (wishes_.new_quotas) count_quotas_anew();
    return std::move(forest_);
  }

 private:
  // First all that can be read of it, to find all other blocks; then block by block, to find what is wrong.
  Status take_chunk_tree() {
    const DiskSuper& super = volume_.super();
    const TreeRoot root{
        objectid::kChunkTree, super.chunk_root, super.chunk_root_generation, super.chunk_root_level, {}};
    const auto ignore = [](const Error&) {};
    load_chunk_tree(volume_, ignore);
    std::vector<std::byte> block(volume_.nodesize());
    if (volume_.read_tree_block(root.bytenr, block, 0, -1, kAnyGeneration)) {
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
    if (!sound) take_chunks(salvaged.items);
    forest_.anew[root.id] = std::move(salvaged.items);
    return {};
  }

  // What could not be read as it was promised leads to all the rest.
  void take_chunks(const std::vector<TreeItem>& items) {
    for (const TreeItem& item : items) {
      if (item.key.type == key_type::kDevItem && item.data.size() >= sizeof(DiskDevItem)) {
        if (auto added = volume_.add_device_item(load<DiskDevItem>(item.data)); !added)
          report_(added.error().message);
      }
      if (item.key.type != key_type::kChunkItem || volume_.chunk_at(item.key.offset)) continue;
      if (auto added = volume_.add_chunk(decode_chunk(item.key, item.data)); !added)
        report_(added.error().message);
    }
  }

  Status take_root_tree() {
    const DiskSuper& super = volume_.super();
    const TreeRoot root{objectid::kRootTree, super.root, super.generation, super.root_level, {}};
    SalvagedTree salvaged = salvage(root, accept_all, is_sound(volume_, root, accept_all));
    if (salvaged.items.empty()) return make_error(EUCLEAN, "the root tree at {} can't be read", root.bytenr);
    root_tree_.take(std::move(salvaged.items));
    return {};
  }

  Status take_tree(const TreeRoot& root) {
    if (is_derived(root.id)) {
      forest_.anew[root.id] =
          root.id == objectid::kDevTree ? device_statistics(root) : std::vector<TreeItem>();
      leave(root);
      return {};
    }
    // Judges single items; overlaps are seen from one item to the next.
    FileExtentFilter file_extents(volume_, forest_.recorded, root.id);
    OverlapWatch overlaps;
    const ItemFilter filter = [&](const Key& key, std::vector<std::byte>& data) {
      if (is_file_tree(root.id) && !is_fs_tree_item(key)) return false;
      if (!is_fs_tree(root.id)) return true;
      overlaps.add(key, data);
      return file_extents.accept(key, data);
    };
    const bool wanted = (root.id == objectid::kCsumTree && wishes_.new_csums) ||
                        (root.id == objectid::kQuotaTree && wishes_.new_quotas);
    LostNodes lost(forest_.recorded.tree_blocks, node_survey_, root.id);
    // A tree may be sound in itself and yet lack a part, where a node has lost a pointer. Of a subvolume
    // whose deletion is under way that is how it should be.
    const bool unreached = root.item.refs != 0 && lost.find_unreached(root);
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
    report_(fmt::format("root {}: was half deleted and is damaged: deleted", tree_name(root.id)));
    leave(root);
  }

  // Of inodes whose mode said nothing of what they are, their entries or names do. Entries are the stronger
  // witness: only a directory has any.
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
      report_(fmt::format("root {}: {} file extents gave way to newer ones", tree_name(root_id), count));
    complete_inodes(root_id, items);
  }

  // tree_checker wants an inode's item before its other items. What kind the inode is and how large is a
  // guess; mending, later, sees all names and corrects it.
  void complete_inodes(uint64_t root_id, std::vector<TreeItem>& items) {
    const auto survey = survey_items(items);
    if (!survey) return;
    std::set<uint64_t> worthless;
    for (const auto& [ino, inode] : survey->inodes) {
      if (inode.item || !is_common(ino)) continue;
      if (is_worth_an_inode(inode, ino)) {
        const DiskInodeItem item = guess_inode(*survey, ino, generation_);
        const ByteSpan bytes = object_bytes(item);
        items.push_back({{ino, key_type::kInodeItem, 0}, {bytes.begin(), bytes.end()}});
        report_(fmt::format("root {}: inode {}: made anew with mode {:o}", tree_name(root_id), ino,
                            uint32_t{item.mode}));
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
          "tree {}: {} items saved, {} mended, {} lost, {} blocks can't be read, {} found otherwise",
          tree_name(root.id), salvaged.items.size(), salvaged.items_mended, salvaged.items_lost,
          salvaged.blocks_lost, salvaged.blocks_found));
    leave(root);
    return salvaged;
  }

  void count_quotas_anew() {
    const auto root = root_tree_.roots().find(objectid::kQuotaTree);
    if (root == root_tree_.roots().end()) return;
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

  // All that can still be walked, shared blocks with it: nothing is lost by sparing too many.
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
  RootTree root_tree_{volume_, report_};
  NodeSurvey node_survey_{volume_, root_tree_.roots()};
  Forest forest_;
};

}  // namespace

Result<Forest> survey(Volume& volume, const ForestWishes& wishes, const Report& report) {
  return Surveyor(volume, wishes, report).run();
}

}  // namespace butterfuse::repair
