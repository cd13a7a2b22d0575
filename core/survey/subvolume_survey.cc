// SPDX-License-Identifier: GPL-2.0-or-later
// SubvolumeSurvey: one pass over the tree; tree_checker has bounded what the items hold.
//
// All names and inodes of the subvolume are in memory at once: their items lie far apart in the tree, and
// only together do they say what is wrong.
#include "core/survey/subvolume_survey.h"

#include <sys/stat.h>

#include "core/ondisk/entry_type.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse::repair {
namespace {

class Gatherer {
 public:
  explicit Gatherer(SubvolumeSurvey& survey) : survey_(survey) {}

  Status add(const Key& key, ByteSpan data) {
    switch (key.type) {
      case key_type::kInodeItem:
        survey_.inodes[key.objectid].item = load<DiskInodeItem>(data);
        return {};
      case key_type::kInodeRef:
      case key_type::kInodeExtref:
        add_references(key, data);
        return {};
      case key_type::kDirItem:
      case key_type::kDirIndex:
        return add_entries(key, data);
      case key_type::kExtentData:
        add_extent(survey_.inodes[key.objectid], key, data);
        return {};
      case key_type::kOrphanItem:
        if (key.objectid == objectid::kOrphan) survey_.inodes[key.offset].orphan = true;
        return {};
      default:
        if (is_common(key.objectid)) survey_.inodes[key.objectid];
        return {};
    }
  }

 private:
  // Made where it is first met, by whichever of its items.
  FoundName& name(uint64_t dir, std::string_view text) { return survey_.names[{dir, std::string(text)}]; }

  Status add_entries(const Key& key, ByteSpan data) {
    survey_.inodes[key.objectid].has_entries = true;
    NameEntries entries(data);
    while (entries.next()) {
      const NameEntry& entry = entries.entry();
      const FoundEntry found{entry.head.location, entry.head.type};
      FoundName& place = name(key.objectid, entry.name);
      if (key.type == key_type::kDirItem) {
        place.has_two_items = place.item.has_value();
        place.item = found;
      } else {
        place.indexes[key.offset] = found;
      }
    }
    return entries.finish("directory entry");
  }

  void add_references(const Key& key, ByteSpan data) {
    InodeRefEntries entries(key, data);
    while (entries.next()) {
      const InodeRefEntry& ref = entries.entry();
      survey_.inodes[key.objectid].has_references = true;
      // The top directory's ".." leads to itself, and is no entry.
      if (ref.parent_ino != key.objectid) name(ref.parent_ino, ref.name).references[key.objectid] = ref.index;
    }
  }

  void add_extent(FoundInode& inode, const Key& key, ByteSpan data) {
    inode.has_extents = true;
    const auto head = load<DiskFileExtentInline>(data);
    if (head.type == file_extent_type::kInline) {
      inode.extent_bytes += head.ram_bytes;
      inode.extent_end = std::max<uint64_t>(inode.extent_end, key.offset + head.ram_bytes);
      return;
    }
    const auto extent = load<DiskFileExtent>(data);
    inode.has_compressed |= extent.compression != 0 && extent.disk_bytenr != 0;
    inode.extent_end = std::max<uint64_t>(inode.extent_end, key.offset + extent.num_bytes);
    if (extent.disk_bytenr != 0) inode.extent_bytes += extent.num_bytes;
  }

  SubvolumeSurvey& survey_;
};

// Only what DIR_ITEMs say: of a name whose items differ, any answer is as good.
void note_kinds(SubvolumeSurvey& survey) {
  for (const auto& [place, name] : survey.names) {
    if (!name.item || name.item->location.type != key_type::kInodeItem) continue;
    const uint64_t ino = name.item->location.objectid;
    const auto inode = survey.inodes.find(ino);
    const uint32_t kind = mode_of_entry_type(name.item->type);
    if (kind != 0 && (inode == survey.inodes.end() || !inode->second.item)) survey.kinds[ino] = kind;
  }
}

// One bad reference does not make a directory: its inode has a name elsewhere.
void note_parents(SubvolumeSurvey& survey) {
  std::set<uint64_t> entered;
  for (const auto& [place, name] : survey.names) {
    if (name.item) entered.insert(name.item->location.objectid);
    for (const auto& [index, entry] : name.indexes) entered.insert(entry.location.objectid);
  }
  for (const auto& [place, name] : survey.names) {
    if (!is_common(place.first)) continue;
    for (const auto& [ino, index] : name.references)
      if (!entered.contains(ino)) survey.inodes[place.first].is_parent = true;
  }
}

}  // namespace

Result<SubvolumeSurvey> survey_subvolume(Tree& tree) {
  SubvolumeSurvey survey;
  Gatherer gatherer(survey);
  ReadCursor cursor(tree);
  BF_TRY(cursor.seek({0, 0, 0}));
  while (cursor.valid()) {
    BF_TRY(gatherer.add(cursor.key(), cursor.data()));
    BF_TRY(cursor.next());
  }
  note_kinds(survey);
  note_parents(survey);
  return survey;
}

Result<SubvolumeSurvey> survey_items(const std::vector<TreeItem>& items) {
  SubvolumeSurvey survey;
  Gatherer gatherer(survey);
  for (const TreeItem& item : items) BF_TRY(gatherer.add(item.key, item.data));
  note_kinds(survey);
  note_parents(survey);
  return survey;
}

// Permissions are as narrow as they can be without getting in the way: a file may have held a secret, and
// its owner (root, as nothing says who) can widen them. Directories can be entered, so that what is below
// is found.
DiskInodeItem guess_inode(const SubvolumeSurvey& survey, uint64_t ino, uint64_t generation) {
  DiskInodeItem item{};
  item.generation = item.transid = generation;
  item.nlink = 1;
  item.mode = S_IFREG | 0600;
  const auto inode = survey.inodes.find(ino);
  const bool has_entries =
      inode != survey.inodes.end() && (inode->second.has_entries || inode->second.is_parent);
  if (has_entries || ino == objectid::kFirstFree) {
    item.mode = S_IFDIR | 0755;
    return item;
  }
  if (const auto kind = survey.kinds.find(ino); kind != survey.kinds.end()) item.mode = kind->second | 0600;
  if (S_ISDIR(item.mode)) item.mode = S_IFDIR | 0755;
  if (!S_ISDIR(item.mode) && inode != survey.inodes.end()) item.size = inode->second.extent_end;
  return item;
}

bool is_worth_an_inode(const FoundInode& inode, uint64_t ino) {
  return ino == objectid::kFirstFree || inode.has_references || inode.has_entries || inode.has_extents ||
         inode.is_parent;
}

}  // namespace butterfuse::repair
