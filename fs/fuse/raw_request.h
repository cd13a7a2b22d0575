// The raw request: what the kernel says to those who understand it, and libfuse 3.14 does not pass on.
#pragma once

#include "fs/fuse/ops.h"

namespace butterfuse {

// As fuse_session_process_buf, but what follows works while the operation runs, on its thread.
void process_request(fuse_session* session, const fuse_buf& buffer);
// The kernel asks this write, truncate, chown or truncating open to take set-user-id and set-group-id away.
bool request_kills_suidgid();

// Tells the kernel that we drop privileges ourselves (FUSE_HANDLE_KILLPRIV_V2), if it knows of that: it then
// does without a question for security.capability before each write. Our answer to FUSE_INIT gets the flag on
// its way out. REQUIRES a mounted session that has not served yet. ENOMEM.
Status offer_killpriv_v2(fuse_session* session);

}  // namespace butterfuse
