// Kernel pages: what was stored through a shared mapping, and is nobody's but the kernel's until it writes it
// back.
#pragma once

#include "fs/fuse/ops.h"

namespace butterfuse {

// Makes the kernel write back what it holds of the file from `offset` on; all of it has arrived when this
// returns true. It drops the pages along with that. False: it was not asked, since nobody would be left to
// answer what it sends: expect bytes anywhere. Hold no lock of the inode: the writes need them.
bool fetch_stores(fuse_req_t request, const Inode& inode, uint64_t offset);

}  // namespace butterfuse
