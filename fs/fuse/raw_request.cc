// The raw request: per-thread view of the request at work, and the INIT flags libfuse can't set.
#include "fs/fuse/raw_request.h"

#include <linux/fuse.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>

#include "core/base/assert.h"
#include "core/base/bytes.h"
#include "core/base/log.h"
#include "fs/fuse/low_memory.h"
#include "fs/fuse/raw_ops.h"

namespace butterfuse {
namespace {

constexpr uint32_t kInitExt = 1u << 30;     // FUSE_INIT_EXT: flags2 counts
constexpr uint32_t kAllowIdmap2 = 1u << 8;  // FUSE_ALLOW_IDMAP of Linux 6.12, in flags2
// FUSE_DIRECT_IO_ALLOW_MMAP of Linux 6.6, in flags2: without it mmap(MAP_SHARED) of a file that was opened
// for direct I/O is refused.
constexpr uint32_t kDirectIoAllowMmap2 = 1u << 4;
constexpr uint16_t kReadPagesMax = 256;    // 1 MiB
constexpr size_t kBodyParts = 2;           // of our own answers, at most
constexpr size_t kShortSetxattrBytes = 8;  // fuse_setxattr_in without its extension

CallersTold callers_told = CallersTold::makers;  // of the one session; before it serves
thread_local ByteSpan current;
thread_local bool answered = false;  // the current one

template <class Body>
std::optional<Body> body_of(ByteSpan request) {
  if (request.size() < sizeof(fuse_in_header) + sizeof(Body)) return std::nullopt;
  return load<Body>(request.subspan(sizeof(fuse_in_header)));
}

uint32_t opcode_of(ByteSpan request) {
  return request.size() < sizeof(fuse_in_header) ? 0 : load<fuse_in_header>(request).opcode;
}

bool offers_direct_io_mmap(const fuse_init_in& asked) {
  return (asked.flags & kInitExt) && (asked.flags2 & kDirectIoAllowMmap2);
}

// Where we open files for direct I/O that may be mapped. Nowhere else: without it append-only files, which we open that
// way too, can't be mapped for writing.
bool wants_direct_io_mmap(const MountOptions& options) {
  return options.writeback_cache || options.atime == AtimeMode::strictatime;
}

// The answer to FUSE_INIT: a header, then fuse_init_out.
void add_init_flags(const FuseContext& context, const iovec* vectors, int count) {
  if (opcode_of(current) != FUSE_INIT || count < 2) return;
  const auto asked = body_of<fuse_init_in>(current);
  if (!asked || vectors[1].iov_len < offsetof(fuse_init_out, flags2) + sizeof(uint32_t)) return;
  auto& answer = *static_cast<fuse_init_out*>(vectors[1].iov_base);
  answer.flags |= asked->flags & (FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT);
  // Reads may be longer than writes (session.cc): direct ones are sent one after the other.
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

// Answers name their request; notifications none.
void note_answer(const iovec* vectors, int count) {
  if (count == 0 || vectors[0].iov_len < sizeof(fuse_out_header) || current.size() < sizeof(fuse_in_header))
    return;
  if (static_cast<const fuse_out_header*>(vectors[0].iov_base)->unique ==
      load<fuse_in_header>(current).unique)
    answered = true;
}

ssize_t write_reply(int fd, iovec* vectors, int count, void* context) {
  note_answer(vectors, count);
  add_init_flags(*static_cast<const FuseContext*>(context), vectors, count);
  return writev(fd, vectors, count);
}

// A connection that was ended is ended, however the kernel calls that: in the middle of an unmount it may be either.
ssize_t read_request(int fd, void* buffer, size_t length, void*) {
  const ssize_t got = read(fd, buffer, length);
  if (got < 0 && errno == ECONNABORTED) errno = ENODEV;
  return got;
}

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

thread_local uint32_t setxattr_flags = 0;
thread_local bool wants_long_count = false;

// For libfuse it is the one it knows.
void process_long_copy(FuseContext& context, const fuse_buf& buffer) {
  static_cast<fuse_in_header*>(buffer.mem)->opcode = FUSE_COPY_FILE_RANGE;
  wants_long_count = true;
  fuse_session_process_buf(context.session, &buffer);
  wants_long_count = false;
}

// Of a block device (fuseblk) only: umount(2) waits for the answer, and is told that the device is final.
void prepare_for_the_end(FuseContext& context) {
  if (context.mount.is_read_only()) return;
  if (const Status done = context.mount.sync(); !done)
    log(LogLevel::error, "the last commit failed: {}", done.error().message);
}

void dispatch(FuseContext& context, const fuse_buf& buffer) {
  if (!has_memory_for(context.mount, opcode_of(current))) {
    (void)reply_raw(context.session, current, ENOMEM, {});
    return;
  }
  if (opcode_of(current) == FUSE_DESTROY) prepare_for_the_end(context);
  const auto long_setxattr =
      opcode_of(current) == FUSE_SETXATTR ? body_of<fuse_setxattr_in>(current) : std::nullopt;
  if (long_setxattr && context.long_setxattr) {
    setxattr_flags = long_setxattr->setxattr_flags;
    const fuse_buf cut = short_setxattr(buffer);
    current = {static_cast<const std::byte*>(cut.mem), cut.size};
    fuse_session_process_buf(context.session, &cut);
    setxattr_flags = 0;
  } else if (opcode_of(current) == kCopyFileRange64) {
    process_long_copy(context, buffer);
  } else if (!process_raw_op(context, opcode_of(current), current)) {
    if (const auto init = opcode_of(current) == FUSE_INIT ? body_of<fuse_init_in>(current) : std::nullopt) {
      context.long_setxattr = init->flags & FUSE_SETXATTR_EXT;
      context.direct_io_can_be_mapped =
          wants_direct_io_mmap(context.mount.options()) && offers_direct_io_mmap(*init);
    }
    fuse_session_process_buf(context.session, &buffer);
  }
}

}  // namespace

// Operations answer ENOMEM themselves (guarded.h); this is for what is around them.
void process_request(FuseContext& context, const fuse_buf& buffer) {
  answered = false;
  current = {static_cast<const std::byte*>(buffer.mem), buffer.size};
  try {
    dispatch(context, buffer);
  } catch (const std::bad_alloc&) {
    if (!answered && !request_wants_no_answer()) (void)reply_raw(context.session, current, ENOMEM, {});
  }
  current = {};
}

bool request_was_answered() { return answered; }

bool request_wants_no_answer() {
  const uint32_t opcode = opcode_of(current);
  return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
}

bool request_kills_suidgid() {
  switch (opcode_of(current)) {
    case FUSE_WRITE: {
      const auto body = body_of<fuse_write_in>(current);
      return body && (body->write_flags & FUSE_WRITE_KILL_SUIDGID);
    }
    case FUSE_SETATTR: {
      const auto body = body_of<fuse_setattr_in>(current);
      return body && (body->valid & FATTR_KILL_SUIDGID);
    }
    case FUSE_OPEN: {
      const auto body = body_of<fuse_open_in>(current);
      return body && (body->open_flags & FUSE_OPEN_KILL_SUIDGID);
    }
    default:
      return false;
  }
}

bool request_wants_long_count() { return wants_long_count; }

bool request_kills_sgid_with_acl() { return setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID; }

Status offer_more_features(fuse_session* session, int fd, CallersTold callers) {
  callers_told = callers;
  fuse_custom_io io{};
  io.writev = write_reply;
  io.read = read_request;
  if (fuse_session_custom_io(session, &io, fd) == 0) return {};
  return make_error(ENOMEM, "no memory for the session's input and output");
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
