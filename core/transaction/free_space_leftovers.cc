// SPDX-License-Identifier: GPL-2.0-or-later
// Free space leftovers: entries of its temporary block groups that mkfs.btrfs up to 6.2 left in the tree.
//
// They lie in front of the first block group, where no space is ever given out, and harm nobody; newer
// kernels remove them at a mount as well, and newer checkers call them damage.
#include "core/transaction/free_space_leftovers.h"

namespace butterfuse {
namespace {

constexpr uint32_t kItems = 16;  // two groups, each an info and an extent, in one leaf

uint64_t first_block_group(const Volume& volume) {
  const auto chunks = volume.chunks();
  return chunks.empty() ? 0 : chunks.front()->start;
}

bool is_leftover(const Key& key, uint64_t first) {
  return key.objectid < first && key.offset <= first - key.objectid;
}

Result<bool> begins_with_leftovers(Tree& tree, uint64_t first) {
  ReadCursor cursor(tree);
  BF_TRY(cursor.seek({0, 0, 0}));
  return cursor.valid() && is_leftover(cursor.key(), first);
}

Result<uint64_t> remove_leftovers(Tree& tree, CowContext& context, uint64_t first) {
  uint64_t removed = 0;
  WriteCursor cursor(tree, context);
  BF_TRY(cursor.seek({0, 0, 0}));
  if (!cursor.valid()) return removed;
  BF_TRY(cursor.remove_while([&](const Key& key, ByteSpan) -> Result<bool> {
    const bool leftover = is_leftover(key, first);
    removed += leftover;
    return leftover;
  }));
  return removed;
}

}  // namespace

Result<uint64_t> remove_free_space_leftovers(Filesystem& filesystem) {
  Tree* const tree = filesystem.free_space_tree();
  if (filesystem.read_only() || tree == nullptr) return uint64_t{0};
  const uint64_t first = first_block_group(filesystem.volume());
  BF_ASSIGN(const bool any, begins_with_leftovers(*tree, first));
  if (!any) return uint64_t{0};
  BF_ASSIGN(TransactionHandle handle, filesystem.begin_freeing(kItems));
  auto removed = remove_leftovers(*tree, handle, first);
  if (!removed) handle.abort(removed.error());
  return removed;
}

}  // namespace butterfuse
