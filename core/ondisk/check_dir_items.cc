// SPDX-License-Identifier: GPL-2.0-or-later
// Rules for DIR_ITEM, DIR_INDEX and XATTR_ITEM: packed entries of a struct, a name and, for xattrs, a value.
#include "core/base/checksum.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse {

namespace {

constexpr uint8_t kEncryptedTypeBit = 0x80;

Status check_entry_type(const ItemCheck& check, const DiskDirItem& entry) {
  const bool is_xattr_key = check.key.type == key_type::kXattrItem;
  const uint8_t type = entry.type & ~kEncryptedTypeBit;
  if (type == file_type::kUnknown || type > file_type::kXattr)
    return check.fail("invalid dir item type, have {}", entry.type);
  if (is_xattr_key != (type == file_type::kXattr))
    return check.fail("invalid dir item type for the key, have {}", entry.type);
  return {};
}

Status check_entry_target(const ItemCheck& check, const DiskDirItem& entry) {
  const Key target = entry.location;
  if (check.key.type == key_type::kXattrItem) {
    if (target == Key{}) return {};
    return check.fail("invalid location of an xattr, have {} want zeros", to_text(target));
  }
  if (target.type == key_type::kRootItem || target.type == key_type::kInodeItem) return {};
  return check.fail("invalid location type of a dir item, have {}", to_text(target));
}

Status check_entry_hash(const ItemCheck& check, std::string_view name) {
  if (check.key.type == key_type::kDirIndex) return {};
  const uint32_t hash = name_hash(name);
  if (hash == check.key.offset) return {};
  return check.fail("name hash does not match the key, have {} want {}", check.key.offset, hash);
}

Status check_entry_lengths(const ItemCheck& check, const DiskDirItem& entry) {
  if (entry.name_len == 0 || entry.name_len > kNameMax)
    return check.fail("invalid name length, have {} want 1 to {}", uint16_t{entry.name_len}, kNameMax);
  if (check.key.type != key_type::kXattrItem && entry.data_len != 0)
    return check.fail("invalid data length of a dir item, have {} want 0", uint16_t{entry.data_len});
  return {};
}

Status check_entry(const ItemCheck& check, const NameEntry& entry) {
  BF_TRY(check_entry_lengths(check, entry.head));
  if (!check.full()) return {};
  BF_TRY(check_entry_type(check, entry.head));
  BF_TRY(check_entry_target(check, entry.head));
  BF_TRY(check_entry_hash(check, entry.name));
  if (check.key.type == key_type::kDirIndex && entry.size != check.item.size())
    return check.fail("more than one entry in a DIR_INDEX");
  return {};
}

}  // namespace

Status check_dir_item(const ItemCheck& check) {
  BF_TRY(check_previous_ino(check));
  if (check.item.empty()) return check.fail("empty item");
  NameEntries entries(check.item);
  while (entries.next()) BF_TRY(check_entry(check, entries.entry()));
  return check.whole(entries);
}

}  // namespace butterfuse
