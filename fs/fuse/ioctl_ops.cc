// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE ioctl.
#include <algorithm>

#include "core/base/mount_table.h"
#include "fs/control/ioctl.h"
#include "fs/fuse/guarded.h"
#include "fs/fuse/kernel_pages.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/process.h"

namespace butterfuse {
namespace {

// The mounts of our file system in a table, wherever they were moved or bound to: the place where it was
// mounted first may be gone, or covered.
std::vector<MountEntry> own_mounts(const std::vector<MountEntry>& table, const FuseContext& context) {
  const auto connection = connection_of_descriptor(fuse_session_fd(context.session));
  std::vector<MountEntry> own;
  for (const MountEntry& entry : table)
    if (connection ? entry.fuse_connection() == *connection : entry.device == context.device)
      own.push_back(entry);
  return own;
}

// The caller's table comes first: through which of its mounts he came we can't tell, but if all are read-only
// it was one of those. Where no mount is seen (any more: unmounted lazily) it is as it was last seen;
// who has it open goes on.
bool mounted_read_only(FuseContext& context, pid_t caller) {
  for (const auto& table : {mounts_seen_by(caller), read_mount_table()}) {
    const auto own = own_mounts(table, context);
    if (own.empty()) continue;
    context.seen_read_only = own.front().super_has("ro");
    return context.seen_read_only ||
           std::ranges::all_of(own, [](const auto& entry) { return entry.has("ro"); });
  }
  return context.seen_read_only;
}

// What only the kernel has of a file, its size too, is fetched for those that look at content (defragmenting,
// C for empty files).
void fetch_what_is_cached(fuse_req_t request, unsigned command, const Inode& inode) {
  const IoctlCommand* const known = find_ioctl(command);
  const bool changes = known != nullptr && known->effect == IoctlEffect::changes_file;
  if (changes && inode.is_regular() && mount_of(request).options().writeback_cache)
    (void)fetch_stores(request, inode, 0);
}

void op_ioctl(fuse_req_t request, fuse_ino_t node, unsigned command, void*, fuse_file_info* info,
              unsigned flags, const void* in, size_t in_bytes, size_t out_bytes) {
  if (flags & FUSE_IOCTL_COMPAT) return reply_error(request, {ENOSYS, "32-bit ioctl"});
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  fetch_what_is_cached(request, command, **inode);
  const pid_t pid = fuse_req_ctx(request)->pid;
  const IoctlCall call{
      .mount = mount_of(request),
      .inode = **inode,
      .in = {static_cast<const std::byte*>(in), in_bytes},
      .opened_for_writing = info != nullptr && info->fh != 0 && open_file_of(info).writable,
      .credentials = [pid] { return credentials_of(pid); },
      .mounted_read_only = [&] { return mounted_read_only(context_of(request), pid); },
      .cancelled = [request] { return context_of(request).ending || fuse_req_interrupted(request) != 0; }};
  const auto answer = butterfuse::ioctl(command, call);
  // The kernel does not know which of them change what stat(2) says; even one that failed may have.
  forget_attributes(request, **inode);
  if (!answer) return reply_error(request, answer.error());
  fuse_reply_ioctl(request, 0, answer->data(), std::min(answer->size(), out_bytes));
}

}  // namespace

void add_ioctl_ops(fuse_lowlevel_ops& ops) { ops.ioctl = guarded<op_ioctl>; }

}  // namespace butterfuse
