// SPDX-License-Identifier: GPL-2.0-or-later
// Moving cursors about, and their locks.
#include "core/btree/cursor.h"

#include "core/btree/search.h"

namespace butterfuse {

// The lock is a member of the cursor, which the thread-safety analysis can't follow.
ReadCursor::ReadCursor(Tree& tree) BF_NO_THREAD_SAFETY_ANALYSIS : CursorBase(tree), lock_(tree.mutex()) {}
ReadCursor::~ReadCursor() BF_NO_THREAD_SAFETY_ANALYSIS = default;

Result<bool> CursorBase::seek(const Key& key) {
  BF_ASSIGN(bool exact, search_path(tree_, key, path_));
  if (!exact && !valid()) BF_TRY(next_leaf(tree_, path_));  // stays invalid at the end
  return exact;
}

Result<bool> CursorBase::seek_at_or_before(const Key& key) {
  BF_ASSIGN(bool exact, search_path(tree_, key, path_));
  if (exact) return true;
  if (path_.slots[0] > 0) {
    --path_.slots[0];
    return true;
  }
  BF_ASSIGN(bool found, prev_leaf(tree_, path_));
  if (!found) path_.height = 0;
  return found;
}

Status CursorBase::next() {
  if (++path_.slots[0] < path_.leaf().count()) return {};
  BF_TRY(next_leaf(tree_, path_));
  return {};
}

Status CursorBase::prev() {
  if (path_.slots[0] > 0) {
    --path_.slots[0];
    return {};
  }
  BF_ASSIGN(bool found, prev_leaf(tree_, path_));
  if (!found) path_.height = 0;
  return {};
}

Result<std::optional<std::vector<std::byte>>> lookup_item(Tree& tree, const Key& key) {
  ReaderLock lock(tree.mutex());
  TreePath path;
  BF_ASSIGN(bool found, search_path(tree, key, path));
  if (!found) return std::nullopt;
  ByteSpan data = LeafView(path.leaf().bytes()).data(path.slots[0]);
  return std::vector<std::byte>(data.begin(), data.end());
}

}  // namespace butterfuse
