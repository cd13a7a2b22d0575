// SPDX-License-Identifier: GPL-2.0-or-later
// TreeTable: every tree that a ROOT_ITEM of the root tree names, opened on first use and kept.
#pragma once

#include <map>
#include <memory>

#include "core/alloc/tree_promises.h"
#include "core/base/mutex.h"
#include "core/btree/cursor.h"
#include "core/ondisk/format.h"
#include "core/transaction/transaction.h"

namespace butterfuse {

// A ROOT_ITEM as found; old, short ones are filled up with zeros, and so are fields that an old
// kernel left stale.
struct FoundRootItem {
  Key key;
  DiskRootItem item;
};

// Thread-safe. Owns its trees; they live as long as it does.
class TreeTable {
 public:
  // Makes the trees known to `promises`.
  TreeTable(Tree& root_tree, TreePromises& promises) : root_tree_(root_tree), promises_(promises) {}

  // ENOENT when the root tree has no such item; EUCLEAN when the item can't be true, as when it names a
  // younger block than `newest`: that could be one of another tree, being changed.
  Result<Tree*> open(uint64_t root_id, uint64_t newest = ~uint64_t{0});
  // The newest ROOT_ITEM of the tree. ENOENT.
  Result<FoundRootItem> find_root_item(uint64_t root_id);

  // Brings the ROOT_ITEMs of all trees whose root has moved up to date. True when there was one. For the
  // commit: the file system is quiescent.
  Result<bool> write_root_items(CowContext& context, Transaction& transaction);

 private:
  struct Entry {
    Key root_key;
    TreeRootPointer recorded;  // what the ROOT_ITEM says; changed by the commit only
    std::unique_ptr<Tree> tree;
  };
  Status write_root_item(Entry& entry, CowContext& context, Transaction& transaction);

  Tree& root_tree_;
  TreePromises& promises_;
  Mutex mutex_;
  std::map<uint64_t, std::unique_ptr<Entry>> entries_ BF_GUARDED_BY(mutex_);
};

bool is_subvolume_id(uint64_t root_id);  // kFsTree or a user-made one

}  // namespace butterfuse
