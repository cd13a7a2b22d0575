// SPDX-License-Identifier: GPL-2.0-or-later
// Extended attributes: named values in XATTR_ITEM buckets.
#include "core/items/xattr_item.h"

#include <cstring>

#include "core/base/assert.h"
#include "core/base/checksum.h"
#include "core/items/name_bucket.h"

namespace butterfuse {
namespace {

Key xattr_key(uint64_t ino, std::string_view name) { return {ino, key_type::kXattrItem, name_hash(name)}; }

tl::unexpected<Error> no_room(Tree& tree, uint64_t ino, size_t bytes) {
  return make_error(ENOSPC, "root {} inode {}: xattr value of {} bytes does not fit a leaf", tree.id(), ino,
                    bytes);
}

// Gives the entry under the cursor a new value: same name and place in the bucket, other length. EOVERFLOW.
Status replace_value(WriteCursor& cursor, const NameEntry& entry, ByteSpan value) {
  const size_t value_at = entry.offset + sizeof(DiskDirItem) + entry.name.size();
  const size_t old_length = entry.value.size(), old_size = cursor.data().size();
  // What lies behind the value: other attributes whose names hash alike.
  const size_t tail = old_size - value_at - old_length;
  DiskDirItem head = entry.head;
  const uint32_t head_at = entry.offset;
  head.transid = cursor.context().transid();
  head.data_len = static_cast<uint16_t>(value.size());
  const size_t new_size = old_size - old_length + value.size();
  if (new_size > cursor.max_item_size()) return make_error(EOVERFLOW, "xattr bucket of {} bytes", new_size);
  // Grown before what is behind moves, cut after it: at no moment the item is too short.
  if (new_size > old_size) BF_TRY(cursor.resize(static_cast<uint32_t>(new_size)));
  BF_ASSIGN(MutableByteSpan bytes, cursor.mutable_data());
  std::memmove(bytes.data() + value_at + value.size(), bytes.data() + value_at + old_length, tail);
  if (!value.empty()) std::memcpy(bytes.data() + value_at, value.data(), value.size());
  store(bytes.subspan(head_at), head);
  if (new_size < old_size) BF_TRY(cursor.resize(static_cast<uint32_t>(new_size)));
  return {};
}

Status write_entry(WriteCursor& cursor, uint64_t ino, std::string_view name, ByteSpan value) {
  DiskDirItem head{};
  head.transid = cursor.context().transid();
  head.type = file_type::kXattr;
  Status added = add_name_entry(cursor, xattr_key(ino, name), head, name, value);
  if (added || added.error().code != EEXIST) return added;
  BF_ASSIGN(auto existing, find_name_entry(cursor.data(), name));
  BF_ASSERT(existing.has_value(), "inode {}: the xattr that exists is not there", ino);
  return replace_value(cursor, *existing, value);
}

}  // namespace

Result<std::optional<std::vector<std::byte>>> read_xattr(Tree& tree, uint64_t ino, std::string_view name) {
  using Value = std::optional<std::vector<std::byte>>;
  ReadCursor cursor(tree);
  BF_ASSIGN(bool exact, cursor.seek(xattr_key(ino, name)));
  if (!exact) return Value();
  BF_ASSIGN(auto entry, find_name_entry(cursor.data(), name));
  if (!entry) return Value();
  return Value(std::in_place, entry->value.begin(), entry->value.end());
}

Result<std::vector<std::string>> list_xattrs(Tree& tree, uint64_t ino) {
  std::vector<std::string> names;
  ReadCursor cursor(tree);
  BF_TRY(cursor.seek({ino, key_type::kXattrItem, 0}));
  while (cursor.valid() && cursor.key().objectid == ino && cursor.key().type == key_type::kXattrItem) {
    NameEntries entries(cursor.data());
    while (entries.next()) names.emplace_back(entries.entry().name);
    BF_TRY(entries.finish("xattr"));
    BF_TRY(cursor.next());
  }
  return names;
}

Status write_xattr(Tree& tree, CowContext& context, uint64_t ino, std::string_view name, ByteSpan value) {
  WriteCursor cursor(tree, context);
  if (sizeof(DiskDirItem) + name.size() + value.size() > cursor.max_item_size())
    return no_room(tree, ino, value.size());
  Status written = write_entry(cursor, ino, name, value);
  if (!written && written.error().code == EOVERFLOW) return no_room(tree, ino, value.size());
  return written;
}

Status remove_xattr(Tree& tree, CowContext& context, uint64_t ino, std::string_view name) {
  WriteCursor cursor(tree, context);
  BF_ASSIGN(bool exact, cursor.seek(xattr_key(ino, name)));
  std::optional<NameEntry> entry;
  if (exact) {
    BF_ASSIGN(entry, find_name_entry(cursor.data(), name));
  }
  if (!entry) return make_error(ENODATA, "root {} inode {}: no such xattr", tree.id(), ino);
  return cut_name_entry(cursor, *entry);
}

}  // namespace butterfuse
