// SPDX-License-Identifier: GPL-2.0-or-later
// Raw operations: requests of newer kernels that libfuse 3.14 would answer with ENOSYS.
#pragma once

#include "core/base/bytes.h"
#include "fs/fuse/fuse_context.h"

namespace butterfuse {

// True when it was one of them and is answered: FUSE_TMPFILE (O_TMPFILE), FUSE_STATX (time of birth),
// FUSE_SYNCFS. `request`: the header and all behind it, not trusted.
bool process_raw_op(FuseContext& context, uint32_t opcode, ByteSpan request);

}  // namespace butterfuse
