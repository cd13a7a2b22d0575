// SPDX-License-Identifier: GPL-2.0-or-later
// Tree: which ones snapshots may share.
#include "core/btree/tree.h"

#include "core/btree/block_refs.h"

namespace butterfuse {

bool Tree::shareable() const { return is_fs_tree(id_); }

}  // namespace butterfuse
