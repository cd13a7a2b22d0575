// SPDX-License-Identifier: GPL-2.0-or-later
// SubtreeSum: judges whole inodes at once, and weighs what items far apart say of one name.
//
//     DIR_ITEM  (dir, hash)    +pair                          pair: dir, name, location, type
//     DIR_INDEX (dir, index)   -pair  +link  +kind            link: dir, name, index, inode
//     INODE_REF (inode, dir)          -link                   kind: inode, type
//     INODE_ITEM                             -kind for each of its names
//
// In a sound subvolume each statement is there twice, with both signs. A name of a subvolume has no link and
// no kind: its counterpart is in the root tree.
#include "core/check/subtree_sum.h"

#include <algorithm>

#include "core/ondisk/entry_type.h"
#include "core/ondisk/item_checks.h"

namespace butterfuse::check {
namespace {

enum class Statement : uint64_t { pair, link, kind };

template <size_t N>
Hash128 hash_of(uint64_t seed, Statement kind, const std::array<uint64_t, N>& numbers,
                std::string_view name) {
  std::string text(reinterpret_cast<const char*>(&kind), sizeof kind);
  text.append(reinterpret_cast<const char*>(numbers.data()), sizeof numbers);
  text.append(name);
  return hash128(as_bytes(text), seed);
}
Hash128 pair_of(uint64_t seed, uint64_t dir, const NameEntry& entry) {
  const Key to = entry.head.location;
  return hash_of(seed, Statement::pair,
                 std::array<uint64_t, 5>{dir, to.objectid, to.type, to.offset, entry.head.type}, entry.name);
}
Hash128 link_of(uint64_t seed, uint64_t dir, uint64_t index, uint64_t ino, std::string_view name) {
  return hash_of(seed, Statement::link, std::array<uint64_t, 3>{dir, index, ino}, name);
}
Hash128 kind_of(uint64_t seed, uint64_t ino, uint8_t type) {
  return hash_of(seed, Statement::kind, std::array<uint64_t, 2>{ino, type}, {});
}

}  // namespace

void SubtreeSum::expect_order(const Key& first) {
  if (!last_) {
    first_ = first;
  } else if (first <= *last_) {
    sound_ = false;
  }
}

void SubtreeSum::add(const Key& key, ByteSpan data) {
  expect_order(key);
  last_ = key;
  switch (key.type) {
    case key_type::kInodeItem: {
      OpenInode& inode = open(key.objectid);
      if (inode.record.has_item) sound_ = false;
      return inode.record.add_item(load<DiskInodeItem>(data));
    }
    case key_type::kInodeRef:
    case key_type::kInodeExtref:
      return add_refs(key, data);
    case key_type::kDirItem:
    case key_type::kDirIndex:
      return add_dir_entries(key, data);
    case key_type::kExtentData:
      return open(key.objectid).record.add_extent(*state_, key, data, true, [this](const std::string&) {
        sound_ = false;
      });
    case key_type::kOrphanItem:
      if (key.objectid == objectid::kOrphan) orphans_.push_back(key.offset);
      if (orphans_.size() > kMostKept) sound_ = false;
      break;
    default:
      if (!is_fs_tree_item(key)) sound_ = false;
      break;
  }
}

// The record that items of `ino` go into; the one before is complete.
SubtreeSum::OpenInode& SubtreeSum::open(uint64_t ino) {
  if (!head_) return head_.emplace(OpenInode{.ino = ino});
  OpenInode& current = tail_ ? *tail_ : *head_;
  if (current.ino == ino) return current;
  if (tail_) close(*tail_);
  return tail_.emplace(OpenInode{.ino = ino});
}

void SubtreeSum::close(const OpenInode& inode) {
  bool has_findings = false;
  inode.record.judge(*state_, inode.ino, [&](const std::string&) { has_findings = true; });
  if (inode.record.has_item) {
    inodes_ += 1;
    names_.take(kind_of(seed_, inode.ino, entry_type_of_mode(inode.record.item.mode)), inode.names);
  }
  if (has_findings) doubtful_.push_back(inode);
  if (doubtful_.size() > kMostKept) sound_ = false;
}

void SubtreeSum::add_refs(const Key& key, ByteSpan data) {
  OpenInode& inode = open(key.objectid);
  InodeRefEntries entries(key, data);
  while (entries.next()) {
    const InodeRefEntry& ref = entries.entry();
    inode.record.refs += 1;
    if (key.objectid == ref.parent_ino && ref.name == "..") continue;
    inode.names += 1;
    names_.take(link_of(seed_, ref.parent_ino, ref.index, key.objectid, ref.name));
  }
  if (entries.stuck()) sound_ = false;
}

void SubtreeSum::add_dir_entries(const Key& key, ByteSpan data) {
  NameEntries entries(data);
  std::vector<std::string_view> names;
  while (entries.next()) {
    names.push_back(entries.entry().name);
    add_dir_entry(key, entries.entry());
  }
  if (entries.stuck()) sound_ = false;
  if (names.size() < 2) return;  // mostly: there are more where hashes collide
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) sound_ = false;
}

void SubtreeSum::add_dir_entry(const Key& key, const NameEntry& entry) {
  InodeRecord& directory = open(key.objectid).record;
  directory.dir_bytes += entry.name.size();
  directory.has_entries = true;
  const Hash128 pair = pair_of(seed_, key.objectid, entry);
  if (key.type == key_type::kDirItem) {
    if (key.offset != name_hash(entry.name)) sound_ = false;
    return names_.add(pair);
  }
  names_.take(pair);
  const Key to = entry.head.location;
  if (to.type == key_type::kRootItem) {
    subvolume_names_.push_back({0, to.objectid, key.objectid, key.offset, std::string(entry.name)});
    return;
  }
  names_.add(link_of(seed_, key.objectid, key.offset, to.objectid, entry.name));
  names_.add(kind_of(seed_, to.objectid, entry.head.type));
}

void SubtreeSum::join(const SubtreeSum& next) {
  sound_ &= next.sound_;
  if (!next.last_ || !sound_) return;
  expect_order(next.first_);
  last_ = next.last_;
  names_.join(next.names_);
  inodes_ += next.inodes_;
  doubtful_.insert(doubtful_.end(), next.doubtful_.begin(), next.doubtful_.end());
  orphans_.insert(orphans_.end(), next.orphans_.begin(), next.orphans_.end());
  subvolume_names_.insert(subvolume_names_.end(), next.subvolume_names_.begin(), next.subvolume_names_.end());
  if (doubtful_.size() > kMostKept || orphans_.size() > kMostKept) sound_ = false;
  if (next.head_) join_head(*next.head_);
  if (next.tail_) open(next.tail_->ino) = *next.tail_;
}

void SubtreeSum::join_head(const OpenInode& next) {
  const bool is_begun = head_ && (tail_ ? *tail_ : *head_).ino == next.ino;
  OpenInode& mine = open(next.ino);
  if (!is_begun) {
    mine = next;
    return;
  }
  mine.names += next.names;
  if (!mine.record.join(next.record)) sound_ = false;
}

bool SubtreeSum::finish() {
  if (head_) close(*head_);
  if (tail_) close(*tail_);
  head_.reset(), tail_.reset();
  for (OpenInode& inode : doubtful_) {
    inode.record.orphan = std::binary_search(orphans_.begin(), orphans_.end(), inode.ino);
    inode.record.judge(*state_, inode.ino, [this](const std::string&) { sound_ = false; });
    // What is left in a removed directory needs no counterpart.
    if (inode.record.is_removed() && inode.record.has_entries) sound_ = false;
  }
  return sound_ && names_.is_even();
}

}  // namespace butterfuse::check
