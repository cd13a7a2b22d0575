// SPDX-License-Identifier: GPL-2.0-or-later
// Forget: what the kernel is told that it no longer knows.
#pragma once

#include "core/base/byte_range.h"
#include "fs/fuse/fuse_context.h"

namespace butterfuse {

// The kernel asks again for what stat(2) says. For changes that the answer to the request does not tell of.
void forget_attributes(Mount& mount, fuse_session* session, const Inode& inode);
// The kernel reads these bytes again, and asks for attributes. For what an operation that failed has changed.
// Hold no lock; behind the answer to a setattr of the size, during which the kernel writes no pages back.
void forget_content(Mount& mount, fuse_session* session, const Inode& inode, ByteRange range);

}  // namespace butterfuse
