// Rules for INODE_ITEM, INODE_REF and INODE_EXTREF.
#include <sys/stat.h>

#include "core/base/checksum.h"
#include "core/ondisk/item_checks.h"

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

// Inode numbers of files, and of the two inodes that are none: the root tree's directory and the old inode
// map cache.
Status check_inode_key(const ItemCheck& check) {
  const uint64_t ino = check.key.objectid;
  bool is_file = ino >= objectid::kFirstFree && ino <= objectid::kLastFree;
  if (!is_file && ino != objectid::kRootTreeDir && ino != objectid::kFreeIno)
    return check.fail("invalid key objectid of an inode, have {}", ino);
  if (check.key.offset != 0)
    return check.fail("invalid key offset of an inode, have {} want 0", check.key.offset);
  return {};
}

// Walks packed entries of `Entry` followed by name_len bytes.
template <class Entry, class Visit>
Status for_each_named_entry(const ItemCheck& check, Visit&& visit) {
  ByteSpan rest = check.item;
  if (rest.empty()) return check.fail("empty item");
  while (!rest.empty()) {
    if (rest.size() < sizeof(Entry))
      return check.fail("entry crosses the end of the item, have {} bytes want {}", rest.size(),
                        sizeof(Entry));
    const Entry entry = load<Entry>(rest);
    const size_t whole = sizeof(Entry) + entry.name_len;
    if (entry.name_len == 0 || entry.name_len > kNameMax)
      return check.fail("invalid name length, have {} want 1 to {}", uint16_t{entry.name_len}, kNameMax);
    if (rest.size() < whole)
      return check.fail("name crosses the end of the item, have {} bytes want {}", rest.size(), whole);
    BF_TRY(visit(entry, as_text(rest.subspan(sizeof(Entry), entry.name_len))));
    rest = rest.subspan(whole);
  }
  return {};
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
  return for_each_named_entry<DiskInodeRef>(check,
                                            [](const DiskInodeRef&, std::string_view) { return Status(); });
}

Status check_inode_extref(const ItemCheck& check) {
  BF_TRY(check_previous_ino(check));
  return for_each_named_entry<DiskInodeExtref>(
      check, [&](const DiskInodeExtref& entry, std::string_view name) -> Status {
        uint64_t hash = extref_hash(entry.parent_objectid, name);
        if (check.full() && hash != check.key.offset)
          return check.fail("name hash does not match the key, have {} want {}", check.key.offset, hash);
        return {};
      });
}

}  // namespace butterfuse
