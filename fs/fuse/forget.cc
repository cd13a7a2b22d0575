// SPDX-License-Identifier: GPL-2.0-or-later
// Forget: notifications of libfuse.
#include "fs/fuse/forget.h"

namespace butterfuse {

void forget_attributes(Mount& mount, fuse_session* session, const Inode& inode) {
  const uint64_t node = mount.node_ids().node_of(inode.key());
  fuse_lowlevel_notify_inval_inode(session, node, -1, 0);
}

void forget_content(Mount& mount, fuse_session* session, const Inode& inode, ByteRange range) {
  if (range.empty()) return;
  const uint64_t node = mount.node_ids().node_of(inode.key());
  fuse_lowlevel_notify_inval_inode(session, node, static_cast<off_t>(range.start),
                                   static_cast<off_t>(range.length()));
}

}  // namespace butterfuse
