// mend_subvolume: brings names, inodes and sizes of one subvolume into agreement.
#pragma once

#include "core/repair/forest.h"
#include "core/transaction/filesystem.h"

namespace butterfuse::repair {

// What the items say most often, of inodes that exist, wins; inodes without a name get one in "lost+found".
// Works in the running transaction. Returns how many things were changed; each is reported.
Result<uint64_t> mend_subvolume(Filesystem& filesystem, Tree& tree, const Report& report);

}  // namespace butterfuse::repair
