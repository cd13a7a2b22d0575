// SPDX-License-Identifier: GPL-2.0-or-later
// mend_subvolume: first each name is settled, then each inode follows from its names and extents.
//
// A name is three items, and each has one vote on where the name leads: DIR_ITEM, DIR_INDEX, and the
// reference of the inode. Votes for inodes that do not exist don't count. With one vote each the lowest key
// wins, which is as good as any other, and the same in each run.
//
//     survey ─> missing inodes, kinds ─> homes of directories ─> clear ─> settle ─> the lost ─> links, sizes
//
// Clearing is a pass of its own in front of settling: an index that a wrong item holds must be free before
// the right item can take it. A directory has one name, or paths would have no end: homes are chosen before
// any name goes.
#include "core/repair/mend_subvolume.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/base/shown_name.h"
#include "core/items/dir_item.h"
#include "core/ondisk/entry_type.h"
#include "core/ondisk/named_entries.h"
#include "core/repair/mend_inodes.h"
#include "core/survey/report.h"

namespace butterfuse::repair {
namespace {

class Mender {
 public:
  Mender(Filesystem& filesystem, Tree& tree, const Report& report)
      : filesystem_(filesystem), tree_(tree), edit_(filesystem, tree), changes_(tree.id(), report) {}

  Result<uint64_t> run() {
    BF_ASSIGN(survey_, survey_subvolume(tree_));
    BF_TRY(read_subvolume_places());
    InodeMender inodes(filesystem_, edit_, survey_, changes_);
    BF_TRY(inodes.make_sure_of_kinds());
    BF_TRY(settle_root());
    choose_homes();
    count_whole_names();
    for (auto& [place, name] : survey_.names)
      for (const auto& [index, entry] : name.indexes) taken_.insert({place.first, index});
    for (auto& [place, name] : survey_.names) BF_TRY(clear_name(place.first, place.second, name));
    for (auto& [place, name] : survey_.names) BF_TRY(settle_name(place.first, place.second, name));
    BF_TRY(name_the_lost());
    BF_TRY(inodes.settle(count_names()));
    return changes_.count();
  }

 private:
  bool exists(uint64_t ino) const {
    const auto found = survey_.inodes.find(ino);
    return found != survey_.inodes.end() && found->second.item;
  }

  // Where subvolumes hang in this one, by the root tree.
  Status read_subvolume_places() {
    ReadCursor cursor(filesystem_.root_tree());
    BF_TRY(cursor.seek({tree_.id(), key_type::kRootRef, 0}));
    while (cursor.valid() && cursor.key().objectid == tree_.id() && cursor.key().type == key_type::kRootRef) {
      if (const auto ref = root_ref_entry(cursor.data()))
        subvolume_indexes_[{ref->dir_ino, std::string(ref->name)}] = ref->index;
      BF_TRY(cursor.next());
    }
    return {};
  }

  bool is_directory(const Key& location) const {
    return location.type == key_type::kInodeItem && exists(location.objectid) &&
           S_ISDIR(survey_.inodes.at(location.objectid).item->mode);
  }

  // The top directory is its own parent.
  Status settle_root() {
    constexpr uint64_t kRoot = objectid::kFirstFree;
    BF_ASSIGN(const auto parent, find_inode_ref(tree_, kRoot, kRoot, ".."));
    if (parent) return {};
    BF_TRY(edit_.set_reference(kRoot, kRoot, "..", 0));
    changes_.add("directory {}: its own reference written", kRoot);
    return {};
  }

  // What a name leads to: of the inodes that exist, the one most of its items speak of.
  std::optional<FoundEntry> target_of(const FoundName& name) const {
    std::map<Key, int> votes;
    std::map<Key, uint8_t> types;
    const auto vote = [&](const Key& location, uint8_t type) {
      if (location.type == key_type::kInodeItem && !exists(location.objectid)) return;
      ++votes[location];
      if (type != 0) types[location] = type;
    };
    if (name.item) vote(name.item->location, name.item->type);
    for (const auto& [index, entry] : name.indexes) vote(entry.location, entry.type);
    for (const auto& [ino, index] : name.references) vote({ino, key_type::kInodeItem, 0}, 0);
    const auto best = std::max_element(votes.begin(), votes.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == votes.end()) return std::nullopt;
    FoundEntry target{best->first, types[best->first]};
    if (target.location.type == key_type::kInodeItem)
      target.type = entry_type_of_mode(survey_.inodes.at(target.location.objectid).item->mode);
    return target;
  }

  // A directory has one name: the one most of whose items are there, of several such the first.
  void choose_homes() {
    // Strictly more is better: of two names with as many items the first, in the order of directories, stays.
    std::map<uint64_t, int> best;
    for (const auto& [place, name] : survey_.names) {
      const auto target = target_of(name);
      if (!target || !is_directory(target->location) || !has_names(place.first)) continue;
      const uint64_t ino = target->location.objectid;
      const int score =
          int{name.item.has_value()} + int{!name.indexes.empty()} + int{name.references.contains(ino)};
      if (score <= best[ino]) continue;
      best[ino] = score;
      homes_[ino] = place;
    }
  }

  bool has_names(uint64_t dir) const { return exists(dir) && S_ISDIR(survey_.inodes.at(dir).item->mode); }

  // A name that only one of three items has, of an inode that has all its names without it: what a damaged
  // name looks like. Giving it the other two items would make a hard link that nobody made.
  bool is_stray(const FoundName& name, const Key& location) const {
    if (location.type != key_type::kInodeItem || name.references.contains(location.objectid)) return false;
    const auto whole = whole_names_.find(location.objectid);
    return name.item.has_value() != !name.indexes.empty() && whole != whole_names_.end() &&
           whole->second >= survey_.inodes.at(location.objectid).item->nlink;
  }

  // Names that have a reference and an entry that leads to its inode.
  void count_whole_names() {
    for (const auto& [place, name] : survey_.names)
      for (const auto& [ino, index] : name.references)
        if (name.item || !name.indexes.empty()) ++whole_names_[ino];
  }

  // target_of, nothing for a name that must go.
  std::optional<FoundEntry> target_at(uint64_t dir, const std::string& text, const FoundName& name) const {
    if (!has_names(dir)) return std::nullopt;
    auto target = target_of(name);
    if (!target) return target;
    const bool goes = is_directory(target->location)
                          ? homes_.at(target->location.objectid) != std::pair(dir, text)
                          : is_stray(name, target->location);
    return goes ? std::nullopt : target;
  }

  // Takes away what can't stay, so that its place is free for what must be there.
  Status clear_name(uint64_t dir, const std::string& text, FoundName& name) {
    const std::optional<FoundEntry> target = target_at(dir, text, name);
    for (auto reference = name.references.begin(); reference != name.references.end();) {
      const bool stays = target && target->location == Key{reference->first, key_type::kInodeItem, 0};
      if (stays) {
        ++reference;
        continue;
      }
      BF_TRY(edit_.remove_reference(reference->first, dir, text));
      changes_.add("directory {} entry '{}': reference of inode {} removed", dir, shown_name(text),
                   reference->first);
      reference = name.references.erase(reference);
    }
    const uint64_t index = target ? index_of(dir, text, name, *target) : 0;
    for (auto entry = name.indexes.begin(); entry != name.indexes.end();) {
      if (target && entry->first == index) {
        ++entry;
        continue;
      }
      BF_TRY(edit_.remove_index(dir, entry->first));
      taken_.erase({dir, entry->first});
      changes_.add("directory {} entry '{}': DIR_INDEX {} removed", dir, shown_name(text), entry->first);
      entry = name.indexes.erase(entry);
    }
    if (!target && name.item) {
      BF_TRY(edit_.set_item(dir, text, std::nullopt));
      changes_.add("directory {} entry '{}': removed, it leads nowhere or to a directory of another name",
                   dir, shown_name(text));
      name.item.reset();
    }
    return {};
  }

  // The index the name's items agree on best.
  uint64_t index_of(uint64_t dir, const std::string& text, const FoundName& name,
                    const FoundEntry& target) const {
    const auto subvolume = subvolume_indexes_.find({dir, text});
    if (target.location.type == key_type::kRootItem && subvolume != subvolume_indexes_.end())
      return subvolume->second;
    const auto reference = name.references.find(target.location.objectid);
    if (target.location.type == key_type::kInodeItem && reference != name.references.end() &&
        (name.indexes.empty() || name.indexes.contains(reference->second)))
      return reference->second;
    for (const auto& [index, entry] : name.indexes)
      if (entry.location == target.location) return index;
    return name.indexes.empty() ? 0 : name.indexes.begin()->first;
  }

  Status settle_name(uint64_t dir, const std::string& text, FoundName& name) {
    std::optional<FoundEntry> target;
    if (exists(dir)) target = target_of(name);
    if (!target) return {};
    uint64_t index = name.indexes.empty() ? index_of(dir, text, name, *target) : name.indexes.begin()->first;
    // 0 and 1 stand for "." and "..", which have no items: the kernel gives the first name index 2.
    if (index < 2 || (name.indexes.empty() && taken_.contains({dir, index}))) {
      BF_ASSIGN(index, next_dir_index(tree_, dir));
    }
    if (!name.item || name.has_two_items || *name.item != *target) {
      BF_TRY(edit_.set_item(dir, text, target));
      changes_.add("directory {} entry '{}': DIR_ITEM written", dir, shown_name(text));
      name.item = target;
    }
    const auto there = name.indexes.find(index);
    if (there == name.indexes.end() || there->second != *target) {
      BF_TRY(edit_.set_index(dir, index, text, *target));
      changes_.add("directory {} entry '{}': DIR_INDEX {} written", dir, shown_name(text), index);
      name.indexes[index] = *target;
      taken_.insert({dir, index});
    }
    if (target->location.type != key_type::kInodeItem) return {};
    const auto reference = name.references.find(target->location.objectid);
    if (reference == name.references.end() || reference->second != index) {
      BF_TRY(edit_.set_reference(target->location.objectid, dir, text, index));
      changes_.add("directory {} entry '{}': reference of inode {} written", dir, shown_name(text),
                   target->location.objectid);
      name.references[target->location.objectid] = index;
    }
    return {};
  }

  std::map<uint64_t, uint64_t> count_names() const {
    std::map<uint64_t, uint64_t> counts;
    for (const auto& [place, name] : survey_.names)
      for (const auto& [ino, index] : name.references) ++counts[ino];
    return counts;
  }

  Status name_the_lost() {
    const std::map<uint64_t, uint64_t> names = count_names();
    std::vector<uint64_t> lost;
    for (const auto& [ino, inode] : survey_.inodes)
      if (inode.item && !inode.orphan && is_common(ino) && ino != objectid::kFirstFree &&
          !names.contains(ino) && inode.item->nlink > 0)
        lost.push_back(ino);
    if (lost.empty() || tree_.id() == objectid::kDataRelocTree) return {};
    BF_ASSIGN(const uint64_t home, lost_and_found());
    for (const uint64_t ino : lost) {
      const std::string text = fmt::format("inode-{}", ino);
      FoundName& name = survey_.names[{home, text}];
      name.references[ino] = 0;
      BF_TRY(settle_name(home, text, name));
    }
    return {};
  }

  // The directory of that name in the top directory, made where there is none. What is no directory and has
  // the name keeps it.
  Result<uint64_t> lost_and_found() {
    const uint64_t root = objectid::kFirstFree;
    std::string text = "lost+found";
    for (int number = 1; survey_.names.contains({root, text}); ++number) {
      const auto& item = survey_.names.at({root, text}).item;
      if (item && is_directory(item->location)) return item->location.objectid;
      text = fmt::format("lost+found.{}", number);
    }
    FoundName& name = survey_.names[{root, text}];
    // Behind the highest number in use.
    uint64_t ino = root;
    for (const auto& [number, inode] : survey_.inodes)
      if (is_common(number)) ino = number;
    DiskInodeItem item{};
    item.generation = item.transid = filesystem_.last_committed();
    item.mode = S_IFDIR | 0700;
    item.nlink = 1;
    if (ino == objectid::kLastFree)
      return make_error(EOVERFLOW, "root {}: no inode number is left", tree_.id());
    BF_TRY(edit_.set_inode(++ino, item));
    survey_.inodes[ino].item = item;
    name.references[ino] = 0;
    BF_TRY(settle_name(root, text, name));
    return ino;
  }

  Filesystem& filesystem_;
  Tree& tree_;
  NameEdit edit_;
  Changes changes_;
  SubvolumeSurvey survey_;
  std::map<std::pair<uint64_t, std::string>, uint64_t> subvolume_indexes_;  // by directory and name
  std::set<std::pair<uint64_t, uint64_t>> taken_;                           // directory and index
  std::map<uint64_t, uint64_t> whole_names_;                                // by inode
  std::map<uint64_t, std::pair<uint64_t, std::string>> homes_;  // directory and name of each directory
};

}  // namespace

Result<uint64_t> mend_subvolume(Filesystem& filesystem, Tree& tree, const Report& report) {
  return Mender(filesystem, tree, report).run();
}

}  // namespace butterfuse::repair
