// The raw request: what the kernel says to those who understand it, and libfuse 3.14 does not pass on.
#pragma once

#include <sys/uio.h>

#include <initializer_list>

#include "fs/fuse/ops.h"

namespace butterfuse {

// FUSE_COPY_FILE_RANGE_64 of Linux 6.18: the same request, answered with a count of 64 bits. A kernel that learns from
// two copies at a time that it is not known gives up the short form as well, for the whole mount, and copies through
// its own pages: nothing would be shared any more.
constexpr uint32_t kCopyFileRange64 = 53;

// As fuse_session_process_buf, but what follows works while the operation runs, on its thread; and requests
// that libfuse does not know (raw_ops.h) are answered.
void process_request(FuseContext& context, const fuse_buf& buffer);
// The request at work has its answer already; or gets none (FORGET).
bool request_was_answered();
bool request_wants_no_answer();
// The kernel asks this write, truncate, chown or truncating open to take set-user-id and set-group-id away.
bool request_kills_suidgid();
// This copy is answered with 64 bits.
bool request_wants_long_count();
// The kernel asks this setxattr of an access control list to take set-group-id away.
bool request_kills_sgid_with_acl();

// Adds to our answer to FUSE_INIT, on its way out, what libfuse can't offer and the kernel knows of:
// privileges dropped by ourselves (HANDLE_KILLPRIV_V2: no question for security.capability before each
// write), the long form of setxattr, mounts with mapped ids, and shared mappings of files opened for direct
// I/O. Where mounts may have mapped ids the kernel tells only of makers who they are: libfuse's allow_root
// needs it of all. `fd`: the mounted session's, or what stands for it in a test. REQUIRES a session that has
// not served yet. ENOMEM.
enum class CallersTold { makers, all };
Status offer_more_features(fuse_session* session, int fd, CallersTold callers = CallersTold::makers);

// The answer to the request at work, past libfuse: `error` 0 or an errno. False: the caller was interrupted
// and is gone, nobody took the answer. Needs no memory.
bool reply_raw(fuse_session* session, ByteSpan request, int error, std::initializer_list<iovec> body);

}  // namespace butterfuse
