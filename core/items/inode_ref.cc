// SPDX-License-Identifier: GPL-2.0-or-later
// Back references of inodes: INODE_REF items of a parent, INODE_EXTREF items of what no longer fits there.
//
//     INODE_REF     (inode, parent)                    all names in that parent, until the item fills a leaf
//     INODE_EXTREF  (inode, hash of parent and name)   those beyond; names of one hash share the item
//
// A name is in one of the two. Looking for it tries both, the common one first. What was put into an EXTREF
// stays there, also when the INODE_REF has room again.
#include <cstring>

#include "core/base/checksum.h"
#include "core/items/dir_item.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse {
namespace {

constexpr Key ref_key(uint64_t ino, uint64_t parent_ino) { return {ino, key_type::kInodeRef, parent_ino}; }
Key extref_key(uint64_t ino, uint64_t parent_ino, std::string_view name) {
  return {ino, key_type::kInodeExtref, extref_hash(parent_ino, name)};
}

uint32_t head_size(const Key& key) {
  return key.type == key_type::kInodeExtref ? sizeof(DiskInodeExtref) : sizeof(DiskInodeRef);
}

// A name alone does not do in an EXTREF: names of two directories may share its hash.
Result<std::optional<InodeRefEntry>> find_ref_entry(const Key& key, ByteSpan item, uint64_t parent_ino,
                                                    std::string_view name) {
  InodeRefEntries entries(key, item);
  while (entries.next())
    if (entries.entry().parent_ino == parent_ino && entries.entry().name == name)
      return std::optional(entries.entry());
  BF_TRY(entries.finish("inode reference"));
  return std::optional<InodeRefEntry>();
}

void write_ref_entry(MutableByteSpan bytes, const Key& key, const InodeRef& ref) {
  if (key.type == key_type::kInodeExtref) {
    DiskInodeExtref disk{};
    disk.parent_objectid = ref.parent_ino;
    disk.index = ref.index;
    disk.name_len = static_cast<uint16_t>(ref.name.size());
    store(bytes, disk);
  } else {
    DiskInodeRef disk{};
    disk.index = ref.index;
    disk.name_len = static_cast<uint16_t>(ref.name.size());
    store(bytes, disk);
  }
  std::memcpy(bytes.data() + head_size(key), ref.name.data(), ref.name.size());
}

// Room for `size` more bytes in the item under the cursor, unless it holds the name already.
Result<MutableByteSpan> grow_refs(WriteCursor& cursor, const InodeRef& ref, uint32_t size) {
  BF_ASSIGN(auto existing, find_ref_entry(cursor.key(), cursor.data(), ref.parent_ino, ref.name));
  if (existing)
    return make_error(EEXIST, "root {}: {} has this name", cursor.tree().id(), to_text(cursor.key()));
  const auto old_size = static_cast<uint32_t>(cursor.data().size());
  BF_TRY(cursor.resize(old_size + size));
  BF_ASSIGN(MutableByteSpan bytes, cursor.mutable_data());
  return bytes.subspan(old_size);
}

Status add_ref(WriteCursor& cursor, const Key& key, const InodeRef& ref) {
  const auto size = static_cast<uint32_t>(head_size(key) + ref.name.size());
  Result<MutableByteSpan> bytes = cursor.insert(key, size);
  if (!bytes && bytes.error().code == EEXIST) bytes = grow_refs(cursor, ref, size);
  BF_TRY(bytes);
  write_ref_entry(*bytes, key, ref);
  return {};
}

// Positions on the item that holds the name, INODE_REF first. Nothing when no item does.
Result<std::optional<InodeRefEntry>> seek_ref(CursorBase& cursor, uint64_t ino, uint64_t parent_ino,
                                              std::string_view name) {
  for (const Key& key : {ref_key(ino, parent_ino), extref_key(ino, parent_ino, name)}) {
    BF_ASSIGN(bool exact, cursor.seek(key));
    if (!exact) continue;
    BF_ASSIGN(auto ref, find_ref_entry(key, cursor.data(), parent_ino, name));
    if (ref) return ref;
  }
  return std::optional<InodeRefEntry>();
}

}  // namespace

// EMLINK: the items that could hold it are full.
Status insert_inode_ref(Tree& tree, CowContext& context, uint64_t ino, const InodeRef& ref,
                        bool extref_allowed) {
  WriteCursor cursor(tree, context);
  Status added = add_ref(cursor, ref_key(ino, ref.parent_ino), ref);
  if (added || added.error().code != EOVERFLOW) return added;
  if (extref_allowed) added = add_ref(cursor, extref_key(ino, ref.parent_ino, ref.name), ref);
  if (!added && added.error().code == EOVERFLOW)
    return make_error(EMLINK, "root {} inode {}: no room for more names in directory {}", tree.id(), ino,
                      ref.parent_ino);
  return added;
}

Result<uint64_t> remove_inode_ref(Tree& tree, CowContext& context, uint64_t ino, uint64_t parent_ino,
                                  std::string_view name) {
  WriteCursor cursor(tree, context);
  BF_ASSIGN(auto found, seek_ref(cursor, ino, parent_ino, name));
  if (!found) return make_error(ENOENT, "root {} inode {}: no such name in {}", tree.id(), ino, parent_ino);
  const InodeRefEntry ref = *found;
  const auto old_size = static_cast<uint32_t>(cursor.data().size());
  if (ref.size == old_size) {
    BF_TRY(cursor.remove());
    return ref.index;
  }
  BF_ASSIGN(MutableByteSpan bytes, cursor.mutable_data());
  std::memmove(bytes.data() + ref.offset, bytes.data() + ref.offset + ref.size,
               old_size - ref.offset - ref.size);
  BF_TRY(cursor.resize(old_size - ref.size));
  return ref.index;
}

Result<std::optional<InodeRef>> find_inode_ref(Tree& tree, uint64_t ino, uint64_t parent_ino,
                                               std::string_view name) {
  ReadCursor cursor(tree);
  BF_ASSIGN(auto ref, seek_ref(cursor, ino, parent_ino, name));
  if (!ref) return std::optional<InodeRef>();
  return std::optional(InodeRef{parent_ino, ref->index, std::string(ref->name)});
}

Result<std::vector<InodeRef>> list_inode_refs(Tree& tree, uint64_t ino) {
  std::vector<InodeRef> refs;
  ReadCursor cursor(tree);
  BF_TRY(cursor.seek(ref_key(ino, 0)));
  while (cursor.valid() && cursor.key().objectid == ino && cursor.key().type <= key_type::kInodeExtref) {
    InodeRefEntries entries(cursor.key(), cursor.data());
    while (entries.next()) {
      const InodeRefEntry& ref = entries.entry();
      refs.push_back({ref.parent_ino, ref.index, std::string(ref.name)});
    }
    BF_TRY(entries.finish("inode reference"));
    BF_TRY(cursor.next());
  }
  return refs;
}

}  // namespace butterfuse
