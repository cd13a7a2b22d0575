// Kernel pages: what the kernel has cached of a file, and what was stored there and nobody else knows of yet.
#pragma once

#include "core/base/byte_range.h"
#include "fs/fuse/ops.h"

namespace butterfuse {

// Makes the kernel drop the pages it has of the range (end ~0: all behind the start); what is dirty in them
// it writes back first, and that has arrived when this returns true. False: it was not asked, since nobody
// would be left to answer what it sends. Hold no lock of the inode: the writes need them.
bool drop_kernel_pages(fuse_req_t request, const Inode& inode, ByteRange range);

// What was stored through shared mappings from `offset` on has arrived. False: expect bytes anywhere.
bool fetch_stores(fuse_req_t request, const Inode& inode, uint64_t offset);

}  // namespace butterfuse
