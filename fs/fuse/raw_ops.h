// Raw operations: requests of newer kernels that libfuse 3.14 would answer with ENOSYS.
#pragma once

#include "core/base/bytes.h"
#include "fs/fuse/ops.h"

namespace butterfuse {

constexpr uint32_t kSyncfs = 50, kTmpfile = 51, kStatx = 52;  // opcodes; the last is of Linux 6.6

// True when it was one of them and is answered: FUSE_TMPFILE (O_TMPFILE), FUSE_STATX (time of birth),
// FUSE_SYNCFS. `request`: the header and all behind it, not trusted.
bool process_raw_op(FuseContext& context, uint32_t opcode, ByteSpan request);

}  // namespace butterfuse
