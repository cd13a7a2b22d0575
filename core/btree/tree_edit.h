// SPDX-License-Identifier: GPL-2.0-or-later
// TreeEdit: one change of a tree under way: the tree, its transaction, and the path that is being changed.
#pragma once

#include "core/btree/cow_context.h"
#include "core/btree/tree.h"
#include "core/btree/tree_path.h"

namespace butterfuse {

// REQUIRES the tree's exclusive lock for all functions that take one. They keep the path valid: it
// leads to the same item or gap afterwards. After an error the tree may be half changed: the
// transaction must be aborted.
struct TreeEdit {
  Tree& tree;
  CowContext& context;
  TreePath& path;
};

}  // namespace butterfuse
