// SPDX-License-Identifier: GPL-2.0-or-later
// Dispatch: requests that libfuse knows in a shorter form are given to it in that.
#include "fs/fuse/dispatch.h"

#include <linux/fuse.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "core/base/log.h"
#include "fs/fuse/features.h"
#include "fs/fuse/low_memory.h"
#include "fs/fuse/opcodes.h"
#include "fs/fuse/raw_ops.h"
#include "fs/fuse/request_at_work.h"

namespace butterfuse {
namespace {

constexpr size_t kShortSetxattrBytes = 8;  // fuse_setxattr_in without its extension

// libfuse reads the short form of setxattr: the extension is cut out in place, by moving what is before it.
fuse_buf short_setxattr(const fuse_buf& buffer) {
  constexpr size_t kKept = sizeof(fuse_in_header) + kShortSetxattrBytes;
  constexpr size_t kCut = sizeof(fuse_setxattr_in) - kShortSetxattrBytes;
  auto* bytes = static_cast<std::byte*>(buffer.mem);
  std::memmove(bytes + kCut, bytes, kKept);
  fuse_buf cut = buffer;
  cut.mem = bytes + kCut;
  cut.size -= kCut;
  reinterpret_cast<fuse_in_header*>(cut.mem)->len -= kCut;
  return cut;
}

void process_long_setxattr(FuseContext& context, const fuse_buf& buffer, uint32_t flags) {
  RequestAtWork& at_work = request_at_work();
  at_work.setxattr_flags = flags;
  const fuse_buf cut = short_setxattr(buffer);
  at_work.bytes = {static_cast<const std::byte*>(cut.mem), cut.size};
  fuse_session_process_buf(context.session, &cut);
}

// For libfuse it is the one it knows.
void process_long_copy(FuseContext& context, const fuse_buf& buffer) {
  static_cast<fuse_in_header*>(buffer.mem)->opcode = FUSE_COPY_FILE_RANGE;
  request_at_work().wants_long_count = true;
  fuse_session_process_buf(context.session, &buffer);
}

// Of a block device (fuseblk) only: umount(2) waits for the answer, and is told that the device is final.
void prepare_for_the_end(FuseContext& context) {
  if (context.mount.is_read_only()) return;
  if (const Status done = context.mount.sync(); !done)
    log(LogLevel::error, "the last commit failed: {}", done.error().message);
}

void dispatch(FuseContext& context, const fuse_buf& buffer) {
  const RequestAtWork& at_work = request_at_work();
  const uint32_t opcode = at_work.opcode();
  context.mount.request_counts().note(opcode);
  if (!has_memory_for(context.mount, opcode)) {
    (void)reply_raw(context.session, at_work.bytes, ENOMEM, {});
    return;
  }
  if (opcode == FUSE_DESTROY) prepare_for_the_end(context);
  if (opcode == FUSE_SETXATTR && context.long_setxattr) {
    if (const auto asked = at_work.body<fuse_setxattr_in>())
      return process_long_setxattr(context, buffer, asked->setxattr_flags);
  } else if (opcode == kCopyFileRange64) {
    return process_long_copy(context, buffer);
  } else if (process_raw_op(context, opcode, at_work.bytes)) {
    return;
  } else if (opcode == FUSE_INIT) {
    note_offered_features(context);
  }
  fuse_session_process_buf(context.session, &buffer);
}

}  // namespace

// Operations answer ENOMEM themselves (guarded.h); this is for what is around them.
void process_request(FuseContext& context, const fuse_buf& buffer) {
  RequestAtWork& at_work = request_at_work();
  at_work = {};
  at_work.bytes = {static_cast<const std::byte*>(buffer.mem), buffer.size};
  try {
    dispatch(context, buffer);
  } catch (const std::bad_alloc&) {
    if (!at_work.answered && !request_wants_no_answer())
      (void)reply_raw(context.session, at_work.bytes, ENOMEM, {});
  }
  at_work = {};
}

}  // namespace butterfuse
