// SPDX-License-Identifier: GPL-2.0-or-later
// The request at work: what the kernel says in it, and libfuse 3.14 does not pass on.
#pragma once

#include <linux/fuse.h>
#include <sys/uio.h>

#include <cstdint>
#include <initializer_list>
#include <optional>

#include "core/base/bytes.h"
#include "fs/fuse/fuse_context.h"

namespace butterfuse {

// One a thread. What is below looks into it; process_request() (dispatch.h) sets it.
struct RequestAtWork {
  ByteSpan bytes{};       // its header and all behind it, not trusted; empty: none
  bool answered = false;  // it has its answer already
  uint32_t setxattr_flags = 0;
  bool wants_long_count = false;

  uint32_t opcode() const;  // 0: none
  // What is behind the header, where that is there in full.
  template <class Body>
  std::optional<Body> body() const {
    if (bytes.size() < sizeof(fuse_in_header) + sizeof(Body)) return std::nullopt;
    return load<Body>(bytes.subspan(sizeof(fuse_in_header)));
  }
};
RequestAtWork& request_at_work();

// The request at work has its answer already; or gets none (FORGET).
bool request_was_answered();
bool request_wants_no_answer();
// The kernel asks this write, truncate, chown or truncating open to take set-user-id and set-group-id away.
bool request_kills_suidgid();
// This copy is answered with 64 bits.
bool request_wants_long_count();
// The kernel asks this setxattr of an access control list to take set-group-id away.
bool request_kills_sgid_with_acl();

// An answer on its way out: where it is the one to the request at work, that was answered.
void note_answer(const iovec* vectors, int count);

// The answer to the request at work, past libfuse: `error` 0 or an errno. False: the caller was interrupted
// and is gone, nobody took the answer. Needs no memory.
bool reply_raw(fuse_session* session, ByteSpan request, int error, std::initializer_list<iovec> body);

}  // namespace butterfuse
