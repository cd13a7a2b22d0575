// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE statfs.
#include <chrono>

#include "fs/fuse/guarded.h"
#include "fs/fuse/ops.h"
#include "fs/mount/statfs.h"

namespace butterfuse {
namespace {

// What was removed before is to be seen, but for files of which the end can't be waited for here.
constexpr auto kDeletionsWait = std::chrono::seconds(1);
constexpr auto kHoldersWait = std::chrono::milliseconds(100);

void op_statfs(fuse_req_t request, fuse_ino_t) {
  Deletions& deletions = mount_of(request).inodes().deletions();
  deletions.await_holders(kHoldersWait, {});
  (void)deletions.finish(kDeletionsWait);
  const struct statvfs numbers = get_statfs(mount_of(request));
  fuse_reply_statfs(request, &numbers);
}

}  // namespace

void add_statfs_ops(fuse_lowlevel_ops& ops) { ops.statfs = guarded<op_statfs>; }

}  // namespace butterfuse
