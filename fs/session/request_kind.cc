// SPDX-License-Identifier: GPL-2.0-or-later
// Request kind: by opcode, and by how many bytes are asked for.
#include "fs/session/request_kind.h"

#include <linux/fuse.h>

#include "fs/fuse/opcodes.h"
#include "fs/session/lanes.h"

namespace butterfuse {
namespace {

// Of a read or write. From here on copying it takes longer than waking another receiver: the last one is
// never at work on such a request.
constexpr uint32_t kLongBytes = 32u << 10;

}  // namespace

bool takes_long(ByteSpan request) {
  if (request.size() < sizeof(fuse_in_header)) return false;
  switch (load<fuse_in_header>(request).opcode) {
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
    case kSyncfs:
    case FUSE_LSEEK:
    case FUSE_FALLOCATE:
    case FUSE_COPY_FILE_RANGE:
    case kCopyFileRange64:
      return true;
    case FUSE_IOCTL:
      return Lanes::lane_of(request) > Lanes::Lane::data;
    case FUSE_READ:
      if (request.size() < sizeof(fuse_in_header) + sizeof(fuse_read_in)) return false;
      return load<fuse_read_in>(request.subspan(sizeof(fuse_in_header))).size >= kLongBytes;
    case FUSE_WRITE:
      return request.size() >= kLongBytes;
    default:
      return false;
  }
}

std::optional<uint64_t> interrupted_request(ByteSpan request) {
  if (request.size() < sizeof(fuse_in_header) + sizeof(fuse_interrupt_in)) return std::nullopt;
  if (load<fuse_in_header>(request).opcode != FUSE_INTERRUPT) return std::nullopt;
  return load<fuse_interrupt_in>(request.subspan(sizeof(fuse_in_header))).unique;
}

}  // namespace butterfuse
