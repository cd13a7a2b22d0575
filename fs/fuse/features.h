// SPDX-License-Identifier: GPL-2.0-or-later
// Features: what a new kernel offers at FUSE_INIT and libfuse 3.14 can't ask for.
#pragma once

#include "core/base/result.h"
#include "fs/fuse/fuse_context.h"

namespace butterfuse {

// Adds to our answer to FUSE_INIT, on its way out, what libfuse can't offer and the kernel knows of:
// privileges dropped by ourselves (HANDLE_KILLPRIV_V2: no question for security.capability before each
// write), the long form of setxattr, mounts with mapped ids, and shared mappings of files opened for direct
// I/O. Where mounts may have mapped ids the kernel tells only of makers who they are: libfuse's allow_root
// needs it of all. `fd`: the mounted session's, or what stands for it in a test. REQUIRES a session that has
// not served yet. ENOMEM.
enum class CallersTold { makers, all };
Status offer_more_features(fuse_session* session, int fd, CallersTold callers = CallersTold::makers);

// The request at work is FUSE_INIT: what is in it decides how later requests are read.
void note_offered_features(FuseContext& context);

}  // namespace butterfuse
