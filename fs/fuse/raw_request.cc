// The raw request: per-thread view of the request at work, and the INIT flag libfuse can't set.
#include "fs/fuse/raw_request.h"

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include <optional>

#include "core/base/bytes.h"

namespace butterfuse {
namespace {

thread_local ByteSpan current;

template <class Body>
std::optional<Body> body_of(ByteSpan request) {
  if (request.size() < sizeof(fuse_in_header) + sizeof(Body)) return std::nullopt;
  return load<Body>(request.subspan(sizeof(fuse_in_header)));
}

uint32_t opcode_of(ByteSpan request) {
  return request.size() < sizeof(fuse_in_header) ? 0 : load<fuse_in_header>(request).opcode;
}

// The answer to FUSE_INIT: a header, then fuse_init_out.
void add_init_flag(const iovec* vectors, int count) {
  if (opcode_of(current) != FUSE_INIT || count < 2) return;
  const auto asked = body_of<fuse_init_in>(current);
  if (!asked || !(asked->flags & FUSE_HANDLE_KILLPRIV_V2)) return;
  if (vectors[1].iov_len < offsetof(fuse_init_out, flags) + sizeof(uint32_t)) return;
  static_cast<fuse_init_out*>(vectors[1].iov_base)->flags |= FUSE_HANDLE_KILLPRIV_V2;
}

ssize_t write_reply(int fd, iovec* vectors, int count, void*) {
  add_init_flag(vectors, count);
  return writev(fd, vectors, count);
}

ssize_t read_request(int fd, void* buffer, size_t length, void*) { return read(fd, buffer, length); }

}  // namespace

void process_request(fuse_session* session, const fuse_buf& buffer) {
  current = {static_cast<const std::byte*>(buffer.mem), buffer.size};
  fuse_session_process_buf(session, &buffer);
  current = {};
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

Status offer_killpriv_v2(fuse_session* session) {
  fuse_custom_io io{};
  io.writev = write_reply;
  io.read = read_request;
  if (fuse_session_custom_io(session, &io, fuse_session_fd(session)) == 0) return {};
  return make_error(ENOMEM, "no memory for the session's input and output");
}

}  // namespace butterfuse
