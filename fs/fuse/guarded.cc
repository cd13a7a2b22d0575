// SPDX-License-Identifier: GPL-2.0-or-later
// guarded: the answer where memory ran out.
#include "fs/fuse/guarded.h"

#include <cerrno>

#include "core/base/log.h"
#include "fs/fuse/request_at_work.h"

namespace butterfuse {

void reply_no_memory(fuse_req_t request) {
  log(LogLevel::error, "no memory for a request");
  if (request_was_answered()) return;
  if (request_wants_no_answer()) {
    fuse_reply_none(request);
  } else {
    fuse_reply_err(request, ENOMEM);
  }
}

}  // namespace butterfuse
