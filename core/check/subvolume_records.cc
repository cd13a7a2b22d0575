// SPDX-License-Identifier: GPL-2.0-or-later
// Gathers and judges the items of one subvolume: names, link counts, sizes, extents and their checksums.
//
// A name is in three places, far apart in the tree, which only meet in a LinkRecord:
//
//     DIR_ITEM  (dir, hash of the name)   -> location, type
//     DIR_INDEX (dir, index)              -> location, type, name          in_item, in_index, in_ref:
//     INODE_REF (inode, dir)              -> index, name                   all three, and they agree
//
// What contradicts what was there before is told at once, when it is met; what is missing only the end
// can tell (judge).
#include "core/check/subvolume_records.h"

#include "core/base/shown_name.h"
#include "core/ondisk/entry_type.h"
#include "core/ondisk/item_checks.h"

namespace butterfuse::check {

void SubvolumeRecords::add(const Key& key, ByteSpan data) {
  switch (key.type) {
    case key_type::kInodeItem:
      return inodes_[key.objectid].add_item(load<DiskInodeItem>(data));
    case key_type::kInodeRef:
    case key_type::kInodeExtref:
      return add_refs(key, data);
    case key_type::kDirItem:
    case key_type::kDirIndex:
      return add_dir_entries(key, data);
    case key_type::kExtentData:
      // The tree that balance moves data in has files without checksums.
      return inodes_[key.objectid].add_extent(state_, key, data, root_id_ != objectid::kDataRelocTree, tell_);
    case key_type::kOrphanItem:
      if (key.objectid == objectid::kOrphan) inodes_[key.offset].orphan = true;
      break;
    default:
      if (!is_fs_tree_item(key)) error("{}: no item of a file tree", to_text(key));
      break;
  }
}

LinkRecord& SubvolumeRecords::link(uint64_t dir, std::string_view name) {
  // One string for both: a pair of number and string would take more memory, and there is one for each name.
  std::string id(reinterpret_cast<const char*>(&dir), sizeof(dir));
  id.append(name);
  return links_[id];
}

void SubvolumeRecords::add_dir_entries(const Key& key, ByteSpan data) {
  NameEntries entries(data);
  while (entries.next()) add_dir_entry(key, entries.entry());
  if (Status whole = entries.finish("entry"); !whole) error("{}: {}", to_text(key), whole.error().message);
}

void SubvolumeRecords::add_dir_entry(const Key& key, const NameEntry& entry) {
  const std::string_view name = entry.name;
  LinkRecord& record = link(key.objectid, name);
  const bool seen = record.in_item || record.in_index;
  if (seen && (record.location != Key(entry.head.location) || record.type != entry.head.type)) {
    error("directory {} entry '{}': DIR_ITEM and DIR_INDEX do not agree", key.objectid, shown_name(name));
  }
  record.location = entry.head.location;
  record.type = entry.head.type;
  if (key.type == key_type::kDirItem ? record.in_item : record.in_index)
    error("directory {} entry '{}': is there twice", key.objectid, shown_name(name));
  if (key.type == key_type::kDirItem) {
    if (key.offset != name_hash(name))
      error("directory {} entry '{}': its hash is not {}", key.objectid, shown_name(name), key.offset);
    record.in_item = true;
  } else {
    if (record.in_ref && record.index != key.offset) {
      error("directory {} entry '{}': index {} but the back reference says {}", key.objectid,
            shown_name(name), key.offset, record.index);
    }
    record.in_index = true;
    record.index = key.offset;
  }
  inodes_[key.objectid].dir_bytes += name.size();
  inodes_[key.objectid].has_entries = true;
}

void SubvolumeRecords::add_ref(uint64_t ino, uint64_t parent, uint64_t index, std::string_view name) {
  inodes_[ino].refs += 1;
  if (ino == parent && name == "..") return;  // the subvolume's top directory
  LinkRecord& record = link(parent, name);
  if (record.in_index && record.index != index) {
    error("directory {} entry '{}': index {} but the back reference says {}", parent, shown_name(name),
          record.index, index);
  }
  if ((record.in_index || record.in_item) && record.location.objectid != ino) {
    error("directory {} entry '{}': names inode {}, but inode {} has a reference to it", parent,
          shown_name(name), record.location.objectid, ino);
  }
  if (!record.in_index && !record.in_item) record.location = {ino, key_type::kInodeItem, 0};
  record.index = index;
  record.in_ref = true;
}

void SubvolumeRecords::add_refs(const Key& key, ByteSpan data) {
  InodeRefEntries entries(key, data);
  while (entries.next()) {
    const InodeRefEntry& ref = entries.entry();
    add_ref(key.objectid, ref.parent_ino, ref.index, ref.name);
  }
  if (Status whole = entries.finish("name"); !whole) error("{}: {}", to_text(key), whole.error().message);
}

void SubvolumeRecords::judge() {
  for (const auto& [ino, inode] : inodes_) {
    state_.summary.inodes += inode.has_item;
    inode.judge(state_, ino, tell_);
  }
  for (const auto& [name, link] : links_) judge_link(name, link);
}

void SubvolumeRecords::judge_link(const std::string& id, const LinkRecord& link) {
  const auto dir = load<uint64_t>(as_bytes(id));
  const std::string_view name = std::string_view(id).substr(sizeof(dir));
  const auto parent = inodes_.find(dir);
  // What is left in a removed directory goes with it.
  if (parent != inodes_.end() && parent->second.is_removed() && !link.in_ref) return;
  if (!link.in_item || !link.in_index) {
    error("directory {} entry '{}': {}", dir, shown_name(name),
          link.in_item    ? "no DIR_INDEX"
          : link.in_index ? "no DIR_ITEM"
                          : "no entry, only a back reference");
  }
  if (link.location.type == key_type::kRootItem) {  // a subvolume: its reference is a ROOT_BACKREF
    state_.subvolume_names.insert({root_id_, link.location.objectid, dir, link.index, std::string(name)});
    return;
  }
  if (!link.in_ref)
    error("directory {} entry '{}': inode {} has no reference to it", dir, shown_name(name),
          link.location.objectid);
  auto child = inodes_.find(link.location.objectid);
  if (child == inodes_.end() || !child->second.has_item) {
    return error("directory {} entry '{}': inode {} does not exist", dir, shown_name(name),
                 link.location.objectid);
  }
  if ((link.in_item || link.in_index) && link.type != entry_type_of_mode(child->second.item.mode)) {
    error("directory {} entry '{}': type {} but inode {} has mode {:o}", dir, shown_name(name), link.type,
          link.location.objectid, child->second.item.mode);
  }
}

}  // namespace butterfuse::check
