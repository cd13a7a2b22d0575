// FUSE statfs.
#include "fs/fuse/guarded.h"
#include "fs/fuse/ops.h"
#include "fs/vfs/statfs.h"

namespace butterfuse {
namespace {

void op_statfs(fuse_req_t request, fuse_ino_t) {
  const struct statvfs numbers = get_statfs(mount_of(request));
  fuse_reply_statfs(request, &numbers);
}

}  // namespace

void add_statfs_ops(fuse_lowlevel_ops& ops) { ops.statfs = guarded<op_statfs>; }

}  // namespace butterfuse
