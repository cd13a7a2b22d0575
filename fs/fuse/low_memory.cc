// SPDX-License-Identifier: GPL-2.0-or-later
// Low memory: the reserve, asked for again before each request.
//
// Memory runs out in a request that needs more, and anywhere else at the same moment. So 32 MiB are held
// back: operator new gives them to the system when there is nothing else, once, and whoever is at work gets
// to its end. Each request that follows asks for the reserve again before it begins. As long as that is not
// to be had, what would keep more memory is refused, what frees some goes on, and clean pages and the dirty
// metadata of a commit are given up.
#include "fs/fuse/low_memory.h"

#include <linux/fuse.h>
#include <malloc.h>

#include <algorithm>

#include "core/base/log.h"
#include "core/base/memory_reserve.h"
#include "fs/fuse/opcodes.h"

namespace butterfuse {
namespace {

// Enough for what all threads are at when memory runs out, a commit included. Held back all the time,
// so not more.
constexpr size_t kReserveBytes = 32u << 20;

// What keeps something in memory after its answer: names, data, attributes that wait for a commit. Not
// SETATTR: a truncation frees.
constexpr uint32_t kAdding[] = {FUSE_WRITE,       FUSE_CREATE,  FUSE_TMPFILE,   FUSE_MKNOD,
                                FUSE_MKDIR,       FUSE_SYMLINK, FUSE_LINK,      FUSE_SETXATTR,
                                FUSE_RENAME,      FUSE_RENAME2, FUSE_FALLOCATE, FUSE_COPY_FILE_RANGE,
                                kCopyFileRange64, FUSE_IOCTL};

}  // namespace

void keep_memory_reserve() { memory_reserve::keep(kReserveBytes); }

bool has_memory_for(Mount& mount, uint32_t opcode) {
  if (!memory_reserve::is_used()) return true;
  mount.engine().drop_clean_pages();
  // What was freed is the process's still: the reserve must come from the system.
  malloc_trim(0);
  if (memory_reserve::restore()) {
    log(LogLevel::warning, "memory had run out; there is some again");
    return true;
  }
  mount.filesystem().request_commit();
  return std::find(std::begin(kAdding), std::end(kAdding), opcode) == std::end(kAdding);
}

}  // namespace butterfuse
