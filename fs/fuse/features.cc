// SPDX-License-Identifier: GPL-2.0-or-later
// Features: flags added to libfuse's answer to FUSE_INIT.
//
// libfuse 3.14 asks for what it knows of, and answers FUSE_INIT by itself. Its answer passes through
// write_reply(), where the bits are added that it can't set: of those that the kernel offered, the ones that
// we have an answer for.
//
//   HANDLE_KILLPRIV_V2     a write says whether to take set-user-id: no question for capabilities before each
//   SETXATTR_EXT           setxattr says whether a list takes set-group-id (dispatch.cc reads that form)
//   max_pages              reads of 1 MiB
//   DIRECT_IO_ALLOW_MMAP   only where files are opened that way
//   ALLOW_IDMAP            only where the kernel checks permissions by itself
#include "fs/fuse/features.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "fs/fuse/request_at_work.h"

namespace butterfuse {
namespace {

constexpr uint32_t kInitExt = 1u << 30;     // FUSE_INIT_EXT: flags2 counts
constexpr uint32_t kAllowIdmap2 = 1u << 8;  // FUSE_ALLOW_IDMAP of Linux 6.12, in flags2
// FUSE_DIRECT_IO_ALLOW_MMAP of Linux 6.6, in flags2: without it mmap(MAP_SHARED) of a file that was opened
// for direct I/O is refused.
constexpr uint32_t kDirectIoAllowMmap2 = 1u << 4;
constexpr uint16_t kReadPagesMax = 256;  // 1 MiB, the most that the kernel takes by default

CallersTold callers_told = CallersTold::makers;  // of the one session; before it serves

bool offers_direct_io_mmap(const fuse_init_in& asked) {
  return (asked.flags & kInitExt) && (asked.flags2 & kDirectIoAllowMmap2);
}

// Where we open files for direct I/O that may be mapped. Nowhere else: without it append-only files, which we
// open that way too, can't be mapped for writing.
bool wants_direct_io_mmap(const MountOptions& options) {
  return options.writeback_cache || options.atime == AtimeMode::strictatime;
}

// The answer to FUSE_INIT: a header, then fuse_init_out.
void add_init_flags(const FuseContext& context, const iovec* vectors, int count) {
  if (request_at_work().opcode() != FUSE_INIT || count < 2) return;
  const auto asked = request_at_work().body<fuse_init_in>();
  if (!asked || vectors[1].iov_len < offsetof(fuse_init_out, flags2) + sizeof(uint32_t)) return;
  auto& answer = *static_cast<fuse_init_out*>(vectors[1].iov_base);
  answer.flags |= asked->flags & (FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT);
  // Reads may be longer than writes (init_op.cc): direct ones are sent one after the other.
  if (answer.flags & FUSE_MAX_PAGES) answer.max_pages = kReadPagesMax;
  if (context.direct_io_can_be_mapped) {
    answer.flags |= kInitExt;
    answer.flags2 |= kDirectIoAllowMmap2;
  }
  // The kernel takes id mappings only together with its own permission checks.
  const bool checks = (answer.flags & FUSE_POSIX_ACL) && callers_told == CallersTold::makers;
  if (checks && (asked->flags & kInitExt) && (asked->flags2 & kAllowIdmap2)) {
    answer.flags |= kInitExt;
    answer.flags2 |= kAllowIdmap2;
  }
}

ssize_t write_reply(int fd, iovec* vectors, int count, void* context) {
  note_answer(vectors, count);
  add_init_flags(*static_cast<const FuseContext*>(context), vectors, count);
  return writev(fd, vectors, count);
}

// A connection that was ended is ended, however the kernel calls it: during an unmount it may be either.
ssize_t read_request(int fd, void* buffer, size_t length, void*) {
  const ssize_t got = read(fd, buffer, length);
  if (got < 0 && errno == ECONNABORTED) errno = ENODEV;
  return got;
}

}  // namespace

Status offer_more_features(fuse_session* session, int fd, CallersTold callers) {
  callers_told = callers;
  fuse_custom_io io{};
  io.writev = write_reply;
  io.read = read_request;
  if (fuse_session_custom_io(session, &io, fd) == 0) return {};
  return make_error(ENOMEM, "no memory for the session's input and output");
}

void note_offered_features(FuseContext& context) {
  const auto asked = request_at_work().body<fuse_init_in>();
  if (!asked) return;
  context.long_setxattr = asked->flags & FUSE_SETXATTR_EXT;
  context.direct_io_can_be_mapped =
      wants_direct_io_mmap(context.mount.options()) && offers_direct_io_mmap(*asked);
}

}  // namespace butterfuse
