// SPDX-License-Identifier: GPL-2.0-or-later
// Directory entries: lookup, listing, and the pair of items each name has.
//
//     DIR_ITEM   (dir, hash of the name)   for looking a name up; names of one hash share the item
//     DIR_INDEX  (dir, index)              for listing, in the order of creation; always one name
//
// An index is never given out again while higher ones are in use: readdir goes on behind the last one it saw,
// and neither repeats nor skips a name that is there the whole time.
#include "core/items/dir_item.h"

#include <algorithm>

#include "core/base/checksum.h"
#include "core/items/name_bucket.h"

namespace butterfuse {
namespace {

constexpr uint64_t kFirstDirIndex = 2;  // 0 and 1 would be "." and ".."

Key dir_item_key(uint64_t dir_ino, std::string_view name) {
  return {dir_ino, key_type::kDirItem, name_hash(name)};
}
constexpr Key dir_index_key(uint64_t dir_ino, uint64_t index) {
  return {dir_ino, key_type::kDirIndex, index};
}

DirEntry decode_entry(const NameEntry& entry, uint64_t index) {
  return {std::string(entry.name), entry.head.location, entry.head.type, index, entry.head.transid};
}

DiskDirItem encode_head(const DirEntry& entry, uint64_t transid) {
  DiskDirItem head{};
  head.location = entry.location;
  head.transid = transid;
  head.type = entry.type;
  return head;
}

// Takes `name` out of the bucket `key`; returns its head. ENOENT.
Result<DiskDirItem> remove_name(WriteCursor& cursor, const Key& key, std::string_view name) {
  BF_ASSIGN(bool exact, cursor.seek(key));
  std::optional<NameEntry> entry;
  if (exact) {
    BF_ASSIGN(entry, find_name_entry(cursor.data(), name));
  }
  if (!entry) return make_error(ENOENT, "root {}: {} has no such name", cursor.tree().id(), to_text(key));
  const DiskDirItem head = entry->head;
  BF_TRY(cut_name_entry(cursor, *entry));
  return head;
}

}  // namespace

Result<std::optional<DirEntry>> lookup_dir_entry(Tree& tree, uint64_t dir_ino, std::string_view name) {
  ReadCursor cursor(tree);
  BF_ASSIGN(bool exact, cursor.seek(dir_item_key(dir_ino, name)));
  if (!exact) return std::optional<DirEntry>();
  BF_ASSIGN(auto entry, find_name_entry(cursor.data(), name));
  if (!entry) return std::optional<DirEntry>();
  return std::optional(decode_entry(*entry, 0));
}

Status for_each_dir_entry(Tree& tree, uint64_t dir_ino, uint64_t from_index,
                          const std::function<bool(const DirEntry&)>& visit) {
  ReadCursor cursor(tree);
  BF_TRY(cursor.seek(dir_index_key(dir_ino, from_index)));
  while (cursor.valid()) {
    const Key key = cursor.key();
    if (key.objectid != dir_ino || key.type != key_type::kDirIndex) break;
    BF_ASSIGN(NameEntry entry, first_name_entry(cursor.data()));
    if (!visit(decode_entry(entry, key.offset))) break;
    BF_TRY(cursor.next());
  }
  return {};
}

Result<bool> dir_is_empty(Tree& tree, uint64_t dir_ino) {
  ReadCursor cursor(tree);
  // No other item type lies between DIR_ITEM and DIR_INDEX: one look answers for both.
  BF_TRY(cursor.seek({dir_ino, key_type::kDirItem, 0}));
  if (!cursor.valid()) return true;
  return cursor.key().objectid != dir_ino || cursor.key().type > key_type::kDirIndex;
}

// Found anew and not counted on in the inode, as in the kernel: the items are the only record of it.
Result<uint64_t> next_dir_index(Tree& tree, uint64_t dir_ino) {
  ReadCursor cursor(tree);
  BF_ASSIGN(bool found, cursor.seek_at_or_before(dir_index_key(dir_ino, kMaxKey.offset)));
  if (!found || cursor.key().objectid != dir_ino || cursor.key().type != key_type::kDirIndex)
    return kFirstDirIndex;
  if (cursor.key().offset == kMaxKey.offset)
    return make_error(EUCLEAN, "root {} directory {}: DIR_INDEX has the highest number", tree.id(), dir_ino);
  return std::max(cursor.key().offset + 1, kFirstDirIndex);
}

Status insert_dir_entry(Tree& tree, CowContext& context, uint64_t dir_ino, const DirEntry& entry) {
  const DiskDirItem head = encode_head(entry, context.transid());
  WriteCursor cursor(tree, context);
  // First: it is the one that may fail without damage, since names of one hash fill their item.
  BF_TRY(add_name_entry(cursor, dir_item_key(dir_ino, entry.name), head, entry.name, {}));
  Status indexed = add_single_entry(cursor, dir_index_key(dir_ino, entry.index), head, entry.name);
  // An index that is taken means damage; an entry without its other half would be more of it.
  if (!indexed) {
    BF_TRY(remove_name(cursor, dir_item_key(dir_ino, entry.name), entry.name));
    return make_error(indexed.error().code == EEXIST ? EUCLEAN : indexed.error().code,
                      "root {} directory {}: DIR_INDEX {}: {}", tree.id(), dir_ino, entry.index,
                      indexed.error().message);
  }
  return {};
}

Status remove_dir_entry(Tree& tree, CowContext& context, uint64_t dir_ino, std::string_view name,
                        uint64_t index) {
  WriteCursor cursor(tree, context);
  BF_ASSIGN(DiskDirItem head, remove_name(cursor, dir_item_key(dir_ino, name), name));
  // The name is looked for there, too: another one under that index must not go.
  auto indexed = remove_name(cursor, dir_index_key(dir_ino, index), name);
  if (!indexed) {
    BF_TRY(add_name_entry(cursor, dir_item_key(dir_ino, name), head, name, {}));
    return make_error(indexed.error().code == ENOENT ? EUCLEAN : indexed.error().code,
                      "root {} directory {}: DIR_INDEX {}: {}", tree.id(), dir_ino, index,
                      indexed.error().message);
  }
  return {};
}

}  // namespace butterfuse
