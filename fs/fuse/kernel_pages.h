// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel pages: what the kernel has cached of a file, and what was stored there and nobody else knows of yet.
#pragma once

#include "core/base/byte_range.h"
#include "fs/fuse/ops.h"

namespace butterfuse {

// Makes the kernel drop the pages it has of the range (end ~0: all behind the start); what is dirty in them
// it writes back first, and that has arrived when this returns true. False: it was not asked, since nobody
// would be left to answer what it sends. Hold no lock of the inode: the writes need them.
bool drop_kernel_pages(FuseContext& context, const Inode& inode, ByteRange range);
bool drop_kernel_pages(fuse_req_t request, const Inode& inode, ByteRange range);
// The one page with the byte `offset`.
bool drop_kernel_page(FuseContext& context, const Inode& inode, uint64_t offset);

// What was stored through shared mappings from `offset` on has arrived. False: expect bytes anywhere.
bool fetch_stores(fuse_req_t request, const Inode& inode, uint64_t offset);

// A file has grown from `old_size`, by a hole up to `hole_end`, and the kernel does not know it yet. What
// programs stored through a mapping behind the old end, in its page, was no part of the file and is not to
// become one: zeros go over it, as the kernel's own file systems do it. Not for a write that begins in that
// page, which the kernel may keep locked until it is answered; not with the kernel's writeback cache, which
// alone knows the size.
void zero_behind_old_end(fuse_req_t request, Inode& inode, uint64_t old_size, uint64_t hole_end);

}  // namespace butterfuse
