// Headers (FREE_SPACE UNTYPED <start of the group>) and the inodes they name.
#include "core/alloc/old_space_caches.h"

#include <sys/stat.h>

#include "core/ondisk/format.h"

namespace butterfuse {
namespace {

bool is_header(const Key& key) { return key.objectid == objectid::kFreeSpace && key.type == 0; }

}  // namespace

Result<std::set<uint64_t>> find_old_space_caches(Tree& root_tree) {
  std::set<uint64_t> groups;
  ReadCursor cursor(root_tree);
  BF_TRY(cursor.seek({objectid::kFreeSpace, 0, 0}));
  for (; cursor.valid() && is_header(cursor.key());) {
    if (cursor.data().size() >= sizeof(DiskFreeSpaceHeader) &&
        cursor.as<DiskFreeSpaceHeader>().generation != 0)
      groups.insert(cursor.key().offset);
    BF_TRY(cursor.next());
  }
  return groups;
}

Status give_up_old_space_cache(CowContext& context, Tree& root_tree, uint64_t group_start) {
  WriteCursor cursor(root_tree, context);
  BF_ASSIGN(const bool found, cursor.seek({objectid::kFreeSpace, 0, group_start}));
  if (!found || cursor.data().size() < sizeof(DiskFreeSpaceHeader)) return {};
  auto header = cursor.as<DiskFreeSpaceHeader>();
  header.generation = 0;
  BF_TRY(cursor.replace(header));
  // A damaged header may name anything.
  const Key inode_key = header.location;
  if (inode_key.type != key_type::kInodeItem || inode_key.objectid < objectid::kFirstFree) return {};
  BF_ASSIGN(const bool has_inode, cursor.seek(inode_key));
  if (!has_inode || cursor.data().size() < sizeof(DiskInodeItem)) return {};
  auto inode = cursor.as<DiskInodeItem>();
  if (!S_ISREG(inode.mode)) return {};
  inode.generation = 0;
  return cursor.replace(inode);
}

}  // namespace butterfuse
