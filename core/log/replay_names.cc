// SPDX-License-Identifier: GPL-2.0-or-later
// Names: entries of directories and references of inodes, kept in step.
//
// Each change of a name is one of two: add_name and remove_name do all three items of it, and note the inode
// and the directory for the last stage. So names agree at any time, whatever the log says in which order. A
// subvolume's entry is never touched: creating and deleting one is a commit, and a log that says otherwise
// is wrong.
#include <sys/stat.h>

#include <algorithm>

#include "core/log/subvolume_replay.h"
#include "core/ondisk/entry_type.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse {
namespace {

Key inode_key(uint64_t ino) { return {ino, key_type::kInodeItem, 0}; }

bool has_name(const std::vector<InodeRef>& refs, std::string_view name) {
  return std::any_of(refs.begin(), refs.end(), [&](const InodeRef& ref) { return ref.name == name; });
}

}  // namespace

Result<std::optional<DirEntry>> SubvolumeReplay::entry_at(Tree& tree, uint64_t dir_ino, uint64_t index) {
  BF_ASSIGN(const auto item, lookup_item(tree, {dir_ino, key_type::kDirIndex, index}));
  if (!item) return std::optional<DirEntry>();
  BF_ASSIGN(const NameEntry entry, first_name_entry(*item));
  return std::optional(DirEntry{std::string(entry.name), entry.head.location, entry.head.type, index, 0});
}

// ---- what the log says is gone ----

Status SubvolumeReplay::remove_absent_names(uint64_t dir_ino) {
  const Key first{dir_ino, key_type::kDirLogIndex, 0}, end{dir_ino, key_type::kDirLogIndex + 1, 0};
  return for_each_log_item(log_, first, end, [&](const LogItem& range) {
    return remove_absent_names(dir_ino, range.key.offset, load<DiskDirLogItem>(range.bytes).last);
  });
}

Result<bool> SubvolumeReplay::log_has_entry(uint64_t dir_ino, const DirEntry& entry) {
  BF_ASSIGN(const auto logged, entry_at(log_, dir_ino, entry.index));
  return logged && logged->name == entry.name;
}

Status SubvolumeReplay::remove_absent_names(uint64_t dir_ino, uint64_t first_index, uint64_t last_index) {
  std::vector<DirEntry> entries;
  BF_TRY(for_each_dir_entry(tree_, dir_ino, first_index, [&](const DirEntry& entry) {
    if (entry.index > last_index) return false;
    entries.push_back(entry);
    return true;
  }));
  for (const DirEntry& entry : entries) {
    BF_ASSIGN(const bool kept, log_has_entry(dir_ino, entry));
    if (kept) continue;
    if (entry.location.type != key_type::kInodeItem)
      return make_error(EUCLEAN, "directory {}: the entry of subvolume {} is not in the log", dir_ino,
                        entry.location.objectid);
    BF_TRY(remove_name(dir_ino, entry.name, entry.location.objectid));
  }
  return {};
}

// ---- what the log has ----

Status SubvolumeReplay::remove_name(uint64_t dir_ino, std::string_view name, uint64_t ino) {
  auto index = remove_inode_ref(tree_, handle_, ino, dir_ino, name);
  if (!index)
    return make_error(index.error().code == ENOENT ? EUCLEAN : index.error().code,
                      "inode {} in directory {}: {}", ino, dir_ino, index.error().message);
  BF_TRY(remove_dir_entry(tree_, handle_, dir_ino, name, *index));
  relinked_.insert(ino);
  resized_.insert(dir_ino);
  return {};
}

// A directory has one name: where the log gives it one, it loses the one that the subvolume has.
Status SubvolumeReplay::remove_other_names_of_dir(uint64_t ino) {
  BF_ASSIGN(const std::vector<InodeRef> refs, list_inode_refs(tree_, ino));
  for (const InodeRef& ref : refs) BF_TRY(remove_name(ref.parent_ino, ref.name, ino));
  return {};
}

Status SubvolumeReplay::add_name(uint64_t dir_ino, const DirEntry& entry) {
  const uint64_t ino = entry.location.objectid;
  if (ino == dir_ino || ino == objectid::kFirstFree)
    return make_error(EUCLEAN, "directory {} would hold inode {}", dir_ino, ino);
  if (entry.type == file_type::kDir) BF_TRY(remove_other_names_of_dir(ino));
  BF_TRY(insert_dir_entry(tree_, handle_, dir_ino, entry));
  const bool extref = handle_.filesystem().has_incompat(incompat::kExtendedIref);
  BF_TRY(insert_inode_ref(tree_, handle_, ino, {dir_ino, entry.index, entry.name}, extref));
  relinked_.insert(ino);
  resized_.insert(dir_ino);
  return {};
}

// Removes what the subvolume has under the entry's name or index.
Status SubvolumeReplay::make_room_for(uint64_t dir_ino, const DirEntry& entry) {
  BF_ASSIGN(const auto same_name, lookup_dir_entry(tree_, dir_ino, entry.name));
  if (same_name && same_name->location.type != key_type::kInodeItem)
    return make_error(EUCLEAN, "directory {}: index {} takes the name of a subvolume", dir_ino, entry.index);
  if (same_name) BF_TRY(remove_name(dir_ino, entry.name, same_name->location.objectid));
  BF_ASSIGN(const auto same_index, entry_at(tree_, dir_ino, entry.index));
  if (same_index && same_index->location.type != key_type::kInodeItem)
    return make_error(EUCLEAN, "directory {}: index {} is a subvolume's", dir_ino, entry.index);
  if (same_index) BF_TRY(remove_name(dir_ino, same_index->name, same_index->location.objectid));
  return {};
}

// An entry whose inode has its reference in the log comes with that; here only room is made for it.
Status SubvolumeReplay::replay_entry(const LogItem& item) {
  const uint64_t dir_ino = item.key.objectid;
  BF_ASSIGN(const NameEntry logged, first_name_entry(item.bytes));
  const DirEntry entry{std::string(logged.name), logged.head.location, logged.head.type, item.key.offset, 0};
  if (entry.location.type != key_type::kInodeItem) return {};  // a subvolume's never changes with a log
  const uint64_t ino = entry.location.objectid;
  BF_ASSIGN(const auto dir, find_inode(dir_ino));
  if (!dir || !S_ISDIR(dir->mode)) return make_error(EUCLEAN, "{}: no such directory", to_text(item.key));
  BF_ASSIGN(const auto target, find_inode(ino));
  if (!target) return {};  // never fsynced
  BF_ASSIGN(const auto existing, lookup_dir_entry(tree_, dir_ino, entry.name));
  if (existing && existing->location == entry.location) return {};
  BF_TRY(make_room_for(dir_ino, entry));
  BF_ASSIGN(const auto ref, find_inode_ref(log_, ino, dir_ino, entry.name));
  if (ref) return {};
  if (entry_type_of_mode(target->mode) != entry.type)
    return make_error(EUCLEAN, "{}: type {} for an inode of mode 0{:o}", to_text(item.key), entry.type,
                      target->mode);
  return add_name(dir_ino, entry);
}

// All references of an inode, parent by parent.
Status SubvolumeReplay::replay_refs(uint64_t ino) {
  BF_ASSIGN(const std::vector<InodeRef> refs, list_inode_refs(log_, ino));
  std::map<uint64_t, std::vector<InodeRef>> by_parent;
  for (const InodeRef& ref : refs) by_parent[ref.parent_ino].push_back(ref);
  for (const auto& [parent_ino, logged] : by_parent) BF_TRY(replay_refs_of_parent(ino, parent_ino, logged));
  return {};
}

Status SubvolumeReplay::replay_refs_of_parent(uint64_t ino, uint64_t parent_ino,
                                              const std::vector<InodeRef>& logged) {
  if (ino == parent_ino) return {};  // the root directory is its own parent
  BF_ASSIGN(const auto dir, find_inode(parent_ino));
  if (!dir) return {};  // not logged: the link count will do without this name
  if (!S_ISDIR(dir->mode)) return make_error(EUCLEAN, "inode {}: parent {} is no directory", ino, parent_ino);
  BF_ASSIGN(const auto inode, find_inode(ino));
  if (!inode) return make_error(EUCLEAN, "inode {} has a name and does not exist", ino);
  BF_ASSIGN(const std::vector<InodeRef> old, list_inode_refs(tree_, ino));
  for (const InodeRef& ref : old) {
    if (ref.parent_ino != parent_ino || has_name(logged, ref.name)) continue;
    BF_TRY(remove_name(parent_ino, ref.name, ino));
  }
  for (const InodeRef& ref : logged) BF_TRY(replay_ref(ino, *inode, ref));
  return {};
}

Status SubvolumeReplay::replay_ref(uint64_t ino, const InodeItem& inode, const InodeRef& ref) {
  BF_ASSIGN(const auto by_name, lookup_dir_entry(tree_, ref.parent_ino, ref.name));
  BF_ASSIGN(const auto by_index, entry_at(tree_, ref.parent_ino, ref.index));
  const bool there = by_name && by_index && by_name->location == inode_key(ino) &&
                     by_index->location == inode_key(ino) && by_index->name == ref.name;
  if (there) return {};
  const DirEntry entry{ref.name, inode_key(ino), entry_type_of_mode(inode.mode), ref.index, 0};
  BF_TRY(make_room_for(ref.parent_ino, entry));
  return add_name(ref.parent_ino, entry);
}

}  // namespace butterfuse
