// SPDX-License-Identifier: GPL-2.0-or-later
// The request at work: a view for each thread.
//
// libfuse hands an operation what it knows of a request. The rest is read from the request's own bytes,
// which lie in the worker's buffer as long as the operation runs: a pointer for each thread, set by
// process_request(), is all it takes. The bytes come from the kernel, and are still measured before
// they are read.
#include "fs/fuse/request_at_work.h"

#include <linux/fuse.h>

#include <array>
#include <cstddef>

#include "core/base/assert.h"

namespace butterfuse {
namespace {

constexpr size_t kBodyParts = 2;  // of our own answers, at most: an entry and an open file, of O_TMPFILE

thread_local RequestAtWork at_work;

}  // namespace

RequestAtWork& request_at_work() { return at_work; }

uint32_t RequestAtWork::opcode() const {
  return bytes.size() < sizeof(fuse_in_header) ? 0 : load<fuse_in_header>(bytes).opcode;
}

bool request_was_answered() { return at_work.answered; }

bool request_wants_no_answer() {
  const uint32_t opcode = at_work.opcode();
  return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
}

bool request_kills_suidgid() {
  switch (at_work.opcode()) {
    case FUSE_WRITE: {
      const auto body = at_work.body<fuse_write_in>();
      return body && (body->write_flags & FUSE_WRITE_KILL_SUIDGID);
    }
    case FUSE_SETATTR: {
      const auto body = at_work.body<fuse_setattr_in>();
      return body && (body->valid & FATTR_KILL_SUIDGID);
    }
    case FUSE_OPEN: {
      const auto body = at_work.body<fuse_open_in>();
      return body && (body->open_flags & FUSE_OPEN_KILL_SUIDGID);
    }
    default:
      return false;
  }
}

bool request_wants_long_count() { return at_work.wants_long_count; }

bool request_kills_sgid_with_acl() { return at_work.setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID; }

// Answers name their request; notifications none.
void note_answer(const iovec* vectors, int count) {
  if (count == 0 || vectors[0].iov_len < sizeof(fuse_out_header)) return;
  if (at_work.bytes.size() < sizeof(fuse_in_header)) return;
  if (static_cast<const fuse_out_header*>(vectors[0].iov_base)->unique ==
      load<fuse_in_header>(at_work.bytes).unique)
    at_work.answered = true;
}

bool reply_raw(fuse_session* session, ByteSpan request, int error, std::initializer_list<iovec> body) {
  fuse_out_header header{};
  header.unique = load<fuse_in_header>(request).unique;
  header.error = -error;
  std::array<iovec, 1 + kBodyParts> vectors{iovec{&header, sizeof(header)}};
  int count = 1;
  BF_ASSERT(body.size() <= kBodyParts, "an answer in {} parts", body.size());
  if (error == 0)
    for (const iovec& part : body) vectors[static_cast<size_t>(count++)] = part;
  size_t bytes = 0;
  for (const iovec& vector : vectors) bytes += vector.iov_len;
  header.len = static_cast<uint32_t>(bytes);
  note_answer(vectors.data(), count);
  return writev(fuse_session_fd(session), vectors.data(), count) >= 0;
}

}  // namespace butterfuse
