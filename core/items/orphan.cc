// SPDX-License-Identifier: GPL-2.0-or-later
// Orphan items: inodes without a name that the next mount must finish deleting.
// An open file that was unlinked has one, and so has one that never had a name (O_TMPFILE). It goes with
// the last of the inode's items: deletion may need several transactions, and a crash may come between two
// of them.
#include <vector>

#include "core/items/inode_item.h"

namespace butterfuse {
namespace {

constexpr Key orphan_key(uint64_t ino) { return {objectid::kOrphan, key_type::kOrphanItem, ino}; }

}  // namespace

// An orphan item that is there already says the same thing: not an error.
Status insert_orphan(Tree& tree, CowContext& context, uint64_t ino) {
  WriteCursor cursor(tree, context);
  Status inserted = cursor.insert(orphan_key(ino), ByteSpan{});
  if (!inserted && inserted.error().code == EEXIST) return {};
  return inserted;
}

Status remove_orphan(Tree& tree, CowContext& context, uint64_t ino) {
  WriteCursor cursor(tree, context);
  BF_ASSIGN(bool found, cursor.seek(orphan_key(ino)));
  if (!found) return make_error(ENOENT, "root {}: inode {} is no orphan", tree.id(), ino);
  return cursor.remove();
}

Result<std::vector<uint64_t>> list_orphans(Tree& tree) {
  std::vector<uint64_t> inos;
  ReadCursor cursor(tree);
  BF_TRY(cursor.seek(orphan_key(0)));
  while (cursor.valid() && cursor.key().objectid == objectid::kOrphan &&
         cursor.key().type == key_type::kOrphanItem) {
    inos.push_back(cursor.key().offset);
    BF_TRY(cursor.next());
  }
  return inos;
}

}  // namespace butterfuse
