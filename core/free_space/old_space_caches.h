// SPDX-License-Identifier: GPL-2.0-or-later
// Old space caches: files in the root tree that say what is free in a block group (space_cache=v1).
#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "core/base/mutex.h"
#include "core/btree/cursor.h"

namespace butterfuse {

// They are not kept here, so none may outlive a change of its block group. That the superblock's
// cache_generation is another one is not enough: the next kernel that mounts the file system sets it right
// again, writes the caches of the groups it changes itself, and believes the others at its next mount.
//
// A cache is given up as the kernel does it before it writes one anew: its inode has generation 0,
// which nobody believes. Its file stays, for the kernel to write again. Its header gets 0 as well, for
// other readers.

// The block groups (start) whose cache somebody might believe. Takes the root tree's shared lock.
Result<std::set<uint64_t>> find_old_space_caches(Tree& root_tree);
// Nothing to do where there is none.
Status give_up_old_space_cache(CowContext& context, Tree& root_tree, uint64_t group_start);

// Which of them are left. Thread-safe; its mutex is a leaf, and not held while trees are read or changed.
class OldSpaceCaches {
 public:
  Status find_all(Tree& root_tree);
  bool any() const;
  // Those of these block groups; true when there was one.
  Result<bool> give_up(CowContext& context, Tree& root_tree, const std::vector<uint64_t>& group_starts);
  // At most so many of all.
  Status give_up_some(CowContext& context, Tree& root_tree, size_t at_most);

 private:
  mutable Mutex mutex_;
  std::set<uint64_t> groups_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
