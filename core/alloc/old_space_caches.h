// Old space caches: the files in the root tree that say which space of a block group is free
// (space_cache=v1).
#pragma once

#include <set>

#include "core/btree/cursor.h"

namespace butterfuse {

// They are not kept here, so none may outlive a change of its block group. That the superblock's
// cache_generation is another one is not enough: the next kernel that mounts the file system sets it right
// again, writes the caches of the groups it changes itself, and believes the others at its next mount.
//
// A cache is given up as the kernel does it before it writes one anew: its inode has generation 0, which
// nobody believes. Its file stays, for the kernel to write again. Its header gets 0 as well, for other
// readers.

// The block groups (start) whose cache somebody might believe.
Result<std::set<uint64_t>> find_old_space_caches(Tree& root_tree);
// Nothing to do where there is none.
Status give_up_old_space_cache(CowContext& context, Tree& root_tree, uint64_t group_start);

}  // namespace butterfuse
