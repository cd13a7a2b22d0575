// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE lookup, forget, readlink.
#include "fs/attributes/attr.h"
#include "fs/fuse/guarded.h"
#include "fs/fuse/ops.h"
#include "fs/names/create.h"
#include "fs/names/lookup.h"

namespace butterfuse {
namespace {

// An absent name is an answer worth keeping too: entry 0 with a timeout.
void reply_absent(fuse_req_t request) {
  fuse_entry_param entry{};
  entry.entry_timeout = kCacheSeconds;
  fuse_reply_entry(request, &entry);
}

void op_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  auto dir = inode_of(request, parent);
  if (!dir) return reply_error(request, dir.error());
  auto found = lookup(mount_of(request), **dir, name);
  if (!found) return reply_error(request, found.error());
  if (!*found) return reply_absent(request);
  reply_entry(request, std::move(**found));
}

void forget_node(Mount& mount, fuse_ino_t node, uint64_t count) {
  if (node == NodeIds::kRootNode) return;
  if (const auto key = mount.node_ids().key_of(node)) mount.inodes().forget(*key, count);
}

void op_forget(fuse_req_t request, fuse_ino_t node, uint64_t count) {
  forget_node(mount_of(request), node, count);
  fuse_reply_none(request);  // the request ends with it, so that nothing may fail behind it
}

void op_forget_multi(fuse_req_t request, size_t count, fuse_forget_data* forgets) {
  for (size_t i = 0; i < count; ++i) forget_node(mount_of(request), forgets[i].ino, forgets[i].nlookup);
  fuse_reply_none(request);
}

void op_readlink(fuse_req_t request, fuse_ino_t node) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  auto target = read_link(mount_of(request), **inode);
  if (!target) return reply_error(request, target.error());
  touch_atime(mount_of(request), **inode);
  fuse_reply_readlink(request, target->c_str());
}

}  // namespace

void add_lookup_ops(fuse_lowlevel_ops& ops) {
  ops.lookup = guarded<op_lookup>;
  ops.forget = guarded<op_forget>;
  ops.forget_multi = guarded<op_forget_multi>;
  ops.readlink = guarded<op_readlink>;
}

}  // namespace butterfuse
