// SPDX-License-Identifier: GPL-2.0-or-later
// What carries a name: entries of directories and xattrs, back references of inodes, and those of subvolumes.
#pragma once

#include <optional>
#include <string_view>

#include "core/ondisk/format.h"
#include "core/ondisk/packed_walk.h"

namespace butterfuse {

// One entry of a DIR_ITEM, DIR_INDEX or XATTR_ITEM.
struct NameEntry : PackedEntry {
  DiskDirItem head{};
  std::string_view name;
  ByteSpan value;  // of an xattr

  size_t read(ByteSpan rest) {
    if (rest.size() < sizeof head) return sizeof head;
    head = load<DiskDirItem>(rest);
    const size_t name_len = head.name_len, data_len = head.data_len;
    const size_t whole = sizeof head + name_len + data_len;
    if (whole > rest.size()) return whole;
    name = as_text(rest.subspan(sizeof head, name_len));
    value = rest.subspan(sizeof head + name_len, data_len);
    return whole;
  }
};
using NameEntries = PackedWalk<NameEntry>;

// The first entry; the only one of a DIR_INDEX. EUCLEAN when there is none, or it is cut short.
inline Result<NameEntry> first_name_entry(ByteSpan item) {
  NameEntries entries(item);
  if (entries.next()) return entries.entry();
  BF_TRY(entries.finish("directory entry"));
  return make_error(EUCLEAN, "an item of no bytes where a directory entry should be");
}
// Names whose hashes collide share an item, so that finding one is walking all. Nothing when it is not there;
// EUCLEAN when the item is cut short before.
inline Result<std::optional<NameEntry>> find_name_entry(ByteSpan item, std::string_view name) {
  NameEntries entries(item);
  while (entries.next())
    if (entries.entry().name == name) return std::optional(entries.entry());
  BF_TRY(entries.finish("directory entry"));
  return std::optional<NameEntry>();
}

// One name of an INODE_REF or INODE_EXTREF.
struct InodeRefEntry : PackedEntry {
  bool is_extref = false;  // set beforehand, as is parent_ino of an INODE_REF: its key has it
  uint64_t parent_ino = 0;
  uint64_t index = 0;
  std::string_view name;

  size_t read(ByteSpan rest) {
    const size_t head_bytes = is_extref ? sizeof(DiskInodeExtref) : sizeof(DiskInodeRef);
    if (rest.size() < head_bytes) return head_bytes;
    size_t name_len = 0;
    if (is_extref) {
      const auto head = load<DiskInodeExtref>(rest);
      parent_ino = head.parent_objectid, index = head.index, name_len = head.name_len;
    } else {
      const auto head = load<DiskInodeRef>(rest);
      index = head.index, name_len = head.name_len;
    }
    if (head_bytes + name_len <= rest.size()) name = as_text(rest.subspan(head_bytes, name_len));
    return head_bytes + name_len;
  }
};
class InodeRefEntries : public PackedWalk<InodeRefEntry> {
 public:
  InodeRefEntries(const Key& key, ByteSpan item) : PackedWalk(item, blank(key)) {}

 private:
  static InodeRefEntry blank(const Key& key) {
    InodeRefEntry entry;
    entry.is_extref = key.type == key_type::kInodeExtref;
    entry.parent_ino = key.offset;
    return entry;
  }
};

// A ROOT_REF or ROOT_BACKREF, which has one name.
struct RootRefEntry {
  uint64_t dir_ino = 0;
  uint64_t index = 0;
  std::string_view name;  // points into the item
};
// Nothing where the item is cut short, or longer than its name.
inline std::optional<RootRefEntry> root_ref_entry(ByteSpan item) {
  if (item.size() < sizeof(DiskRootRef)) return std::nullopt;
  const auto head = load<DiskRootRef>(item);
  const ByteSpan name = item.subspan(sizeof head);
  if (name.size() != head.name_len) return std::nullopt;
  return RootRefEntry{head.dirid, head.sequence, as_text(name)};
}

}  // namespace butterfuse
