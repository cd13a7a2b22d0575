// SPDX-License-Identifier: GPL-2.0-or-later
// Rules for INODE_ITEM, INODE_REF and INODE_EXTREF.
#include <sys/stat.h>

#include "core/base/checksum.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse {

namespace {

constexpr uint64_t kKnownInodeFlags = 0xfff | inode_flag::kRootItemInit;
constexpr uint64_t kKnownReadOnlyFlags = uint64_t{1} << 32;  // upper half: features that bar writing; verity

bool is_file_format(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
    case S_IFLNK:
      return true;
    default:
      return false;
  }
}

// Inode numbers of files, and of two inodes that are none: the root tree's directory, the old inode cache.
Status check_inode_key(const ItemCheck& check) {
  const uint64_t ino = check.key.objectid;
  bool is_file = ino >= objectid::kFirstFree && ino <= objectid::kLastFree;
  if (!is_file && ino != objectid::kRootTreeDir && ino != objectid::kFreeIno)
    return check.fail("invalid key objectid of an inode, have {}", ino);
  if (check.key.offset != 0)
    return check.fail("invalid key offset of an inode, have {} want 0", check.key.offset);
  return {};
}

Status check_ref_name(const ItemCheck& check, const InodeRefEntry& entry) {
  if (entry.name.empty() || entry.name.size() > kNameMax)
    return check.fail("invalid name length, have {} want 1 to {}", entry.name.size(), kNameMax);
  if (!check.full() || !entry.is_extref) return {};
  const uint64_t hash = extref_hash(entry.parent_ino, entry.name);
  if (hash == check.key.offset) return {};
  return check.fail("name hash does not match the key, have {} want {}", check.key.offset, hash);
}

}  // namespace

Status check_previous_ino(const ItemCheck& check) {
  // Log trees, and reloc trees of other owners, do not keep an inode's items together.
  if (!check.full() || !is_fs_tree(check.owner()) || !check.has_previous()) return {};
  if (check.previous_key().objectid == check.key.objectid) return {};
  return check.fail("the item has no inode item before it, previous key {}", to_text(check.previous_key()));
}

Status check_inode_item(const ItemCheck& check) {
  BF_TRY(check.size_is(sizeof(DiskInodeItem)));
  if (!check.full()) return {};
  BF_TRY(check_inode_key(check));
  const auto inode = load<DiskInodeItem>(check.item);
  if (check.too_young(inode.generation))
    return check.fail("invalid inode generation, have {} want at most {}", uint64_t{inode.generation},
                      check.fs.generation + 1);
  if (check.too_young(inode.transid))
    return check.fail("invalid inode transid, have {} want at most {}", uint64_t{inode.transid},
                      check.fs.generation + 1);
  if (!is_file_format(inode.mode)) return check.fail("invalid inode mode, have 0{:o}", uint32_t{inode.mode});
  if (S_ISDIR(inode.mode) && inode.nlink > 1)
    return check.fail("invalid nlink of a directory, have {} want at most 1", uint32_t{inode.nlink});
  if (inode.flags & ~(kKnownInodeFlags | kKnownReadOnlyFlags))
    return check.fail("unknown inode flags, have 0x{:x}", uint64_t{inode.flags});
  return {};
}

Status check_inode_ref(const ItemCheck& check) {
  BF_TRY(check_previous_ino(check));
  if (check.item.empty()) return check.fail("empty item");
  InodeRefEntries entries(check.key, check.item);
  while (entries.next()) BF_TRY(check_ref_name(check, entries.entry()));
  return check.whole(entries);
}

}  // namespace butterfuse
