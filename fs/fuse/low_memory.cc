// Low memory: the reserve, asked for again before each request.
#include "fs/fuse/low_memory.h"

#include <linux/fuse.h>
#include <malloc.h>

#include <algorithm>

#include "core/base/log.h"
#include "core/base/memory_reserve.h"
#include "fs/fuse/raw_request.h"

namespace butterfuse {
namespace {

// Enough for what all threads are at when memory runs out, a commit included.
constexpr size_t kReserveBytes = 32u << 20;

constexpr uint32_t kAdding[] = {FUSE_WRITE,       FUSE_CREATE,  FUSE_TMPFILE,   FUSE_MKNOD,
                                FUSE_MKDIR,       FUSE_SYMLINK, FUSE_LINK,      FUSE_SETXATTR,
                                FUSE_RENAME,      FUSE_RENAME2, FUSE_FALLOCATE, FUSE_COPY_FILE_RANGE,
                                kCopyFileRange64, FUSE_IOCTL};

}  // namespace

void keep_memory_reserve() { memory_reserve::keep(kReserveBytes); }

bool has_memory_for(Mount& mount, uint32_t opcode) {
  if (!memory_reserve::is_used()) return true;
  mount.engine().drop_clean_pages();
  malloc_trim(0);
  if (memory_reserve::restore()) {
    log(LogLevel::warning, "memory had run out; there is some again");
    return true;
  }
  mount.filesystem().request_commit();
  return std::find(std::begin(kAdding), std::end(kAdding), opcode) == std::end(kAdding);
}

}  // namespace butterfuse
