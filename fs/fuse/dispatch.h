// SPDX-License-Identifier: GPL-2.0-or-later
// Dispatch: one request of the kernel to libfuse, or past it, where libfuse 3.14 does not know it.
#pragma once

#include "fs/fuse/fuse_context.h"

namespace butterfuse {

// As fuse_session_process_buf, but the request is request_at_work() while the operation runs, on its thread;
// and requests that libfuse does not know (raw_ops.h), or not in this form, are answered. ENOMEM is answered
// where memory has run out and the request would add to what is kept (low_memory.h).
void process_request(FuseContext& context, const fuse_buf& buffer);

}  // namespace butterfuse
