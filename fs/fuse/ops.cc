// SPDX-License-Identifier: GPL-2.0-or-later
// What all FUSE operations share: finding inodes, answering, and errno.
#include "fs/fuse/ops.h"

#include "core/base/log.h"
#include "fs/fuse/request_at_work.h"
#include "fs/fuse/told_owner.h"

namespace butterfuse {

FuseContext& context_of(fuse_req_t request) { return *static_cast<FuseContext*>(fuse_req_userdata(request)); }

Mount& mount_of(fuse_req_t request) { return context_of(request).mount; }

OpenFiles& open_files_of(fuse_req_t request) { return context_of(request).open_files; }

fuse_session* session_of(fuse_req_t request) { return context_of(request).session; }

Caller caller_of(fuse_req_t request) {
  const fuse_ctx* context = fuse_req_ctx(request);
  return {context->uid, context->gid, context->pid, request_kills_suidgid()};
}

uint32_t umask_of(fuse_req_t request) {
  return mount_of(request).options().acl ? fuse_req_ctx(request)->umask : 0;
}

void log_error(const Error& error) {
  if (error.code == EIO || error.code == EUCLEAN) log(LogLevel::error, "{}", error.message);
}

void reply_error(fuse_req_t request, const Error& error) {
  log_error(error);
  fuse_reply_err(request, error.code);
}

void reply_status(fuse_req_t request, const Status& status) {
  if (status) {
    fuse_reply_err(request, 0);
  } else {
    reply_error(request, status.error());
  }
}

Result<InodePtr> inode_of(fuse_req_t request, fuse_ino_t node) {
  return inode_of_node(mount_of(request), node);
}

Result<InodePtr> inode_of_node(Mount& mount, fuse_ino_t node) {
  const auto key = mount.node_ids().key_of(node);
  if (!key) return make_error(ESTALE, "no node {}", node);
  auto inode = mount.inodes().get(*key);
  if (!inode && inode.error().code == ENOENT) return make_error(ESTALE, "node {} is gone", node);
  return inode;
}

fuse_entry_param entry_of(Mount& mount, Inode& inode) {
  fuse_entry_param entry{};
  entry.ino = mount.node_ids().node_of(inode.key());
  entry.generation = inode.item().generation;
  entry.attr = told_attr(mount, inode);
  entry.attr_timeout = attr_seconds(mount);
  entry.entry_timeout = entry_seconds(mount, inode);
  return entry;
}

void forget_attributes(fuse_req_t request, const Inode& inode) {
  forget_attributes(mount_of(request), session_of(request), inode);
}

void reply_entry(fuse_req_t request, const Result<InodePtr>& inode) {
  if (!inode) return reply_error(request, inode.error());
  Mount& mount = mount_of(request);
  const InodeKey key = (*inode)->key();
  const fuse_entry_param entry = entry_of(mount, **inode);
  mount.inodes().add_lookup(key);  // before the answer: the kernel may forget at once
  if (fuse_reply_entry(request, &entry) != 0) mount.inodes().forget(key, 1);
}

}  // namespace butterfuse
