// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE fallocate, copy_file_range, lseek.
#include <sys/stat.h>
#include <unistd.h>

#include "fs/attributes/attr.h"
#include "fs/data/copy_range.h"
#include "fs/data/fallocate.h"
#include "fs/data/seek.h"
#include "fs/fuse/guarded.h"
#include "fs/fuse/kernel_pages.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/process.h"
#include "fs/fuse/request_at_work.h"

namespace butterfuse {
namespace {

// The kernel leaves it to us to take set-user-id and set-group-id from what is changed, and does not say
// whether the caller may keep them. To be called once the change is sure to be tried, and before: if only a
// part of it gets done, nothing is left of them.
class PrivilegeLoss {
 public:
  PrivilegeLoss(fuse_req_t request, Inode& inode)
      : request_(request), inode_(inode), caller_(with_own_losses(caller_of(request), inode.item())) {}
  ~PrivilegeLoss() {
    if (caller_.kill_suidgid) forget_attributes(request_, inode_);
  }
  PrivilegeLoss(const PrivilegeLoss&) = delete;
  const Caller& caller() const { return caller_; }

 private:
  fuse_req_t request_;
  Inode& inode_;
  Caller caller_;
};

void op_fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
                  fuse_file_info* info) {
  const ByteRange range = ByteRange::at(static_cast<uint64_t>(offset), static_cast<uint64_t>(length));
  Inode& inode = *open_file_of(info).inode;
  const uint64_t old_size = inode.item().size;
  RangeProgress progress;
  Status status;
  {
    const PrivilegeLoss loss(request, inode);
    status = fallocate(mount_of(request), inode, mode, range, progress, loss.caller());
  }
  // Where it succeeds, the kernel does that itself; of a part that was done it does not hear.
  if (!status) {
    forget_content(mount_of(request), session_of(request), inode, progress.changed);
    forget_attributes(request, inode);
  } else {
    zero_behind_old_end(request, inode, old_size, inode.item().size);
  }
  reply_status(request, status);
}

// The kernel sees to O_SYNC and its like for write(2) only. As in btrfs one of the two that asks is enough.
Status sync_copied(Mount& mount, OpenFile& from, OpenFile& to) {
  if (!writes_are_synchronous(mount, from) && !writes_are_synchronous(mount, to)) return {};
  BF_TRY(sync_file(mount, from));
  return sync_file(mount, to);
}

void op_copy_file_range(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from, fuse_ino_t,
                        off_t to_offset, fuse_file_info* to, size_t length, int flags) {
  if (flags != 0) return reply_error(request, {EINVAL, "unknown flags"});
  const CopyRequest copy{*open_file_of(from).inode, static_cast<uint64_t>(from_offset),
                         *open_file_of(to).inode, static_cast<uint64_t>(to_offset), length};
  const bool atime_changes = atime_is_due(mount_of(request), copy.from);
  const uint64_t old_size = copy.to.item().size;
  Result<uint64_t> copied = 0;
  {
    const PrivilegeLoss loss(request, copy.to);
    copied = copy_range(mount_of(request), copy, loss.caller());
  }
  if (atime_changes) forget_attributes(request, copy.from);  // the kernel expects that of reads only
  if (!copied) {
    forget_attributes(request, copy.to);
    return reply_error(request, copied.error());
  }
  zero_behind_old_end(request, copy.to, old_size, copy.to_offset);
  if (auto synced = sync_copied(mount_of(request), open_file_of(from), open_file_of(to)); !synced)
    return reply_error(request, synced.error());
  if (request_wants_long_count())
    fuse_reply_buf(request, reinterpret_cast<const char*>(&*copied), sizeof(*copied));
  else
    fuse_reply_write(request, *copied);
}

// The kernel asks only for these two; the rest it answers itself.
void op_lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* info) {
  Mount& mount = mount_of(request);
  Inode& inode = *open_file_of(info).inode;
  if (offset < 0) return reply_error(request, {ENXIO, "negative offset"});
  if (whence != SEEK_DATA && whence != SEEK_HOLE) return reply_error(request, {EINVAL, "unknown whence"});
  const auto from = static_cast<uint64_t>(offset);
  const SeekKnowledge known =
      fetch_stores(request, inode, from) ? SeekKnowledge::all : SeekKnowledge::not_of_stores;
  // With its writeback cache the kernel may know of a larger size, too. After ENOSYS it answers by itself,
  // for good, and takes every byte for data.
  if (known == SeekKnowledge::not_of_stores && mount.options().writeback_cache)
    return reply_error(request, {ENOSYS, "the kernel's pages are not known"});
  const auto found =
      whence == SEEK_DATA ? seek_data(mount, inode, from, known) : seek_hole(mount, inode, from, known);
  if (!found) return reply_error(request, found.error());
  fuse_reply_lseek(request, static_cast<off_t>(*found));
}

}  // namespace

void add_range_ops(fuse_lowlevel_ops& ops) {
  ops.fallocate = guarded<op_fallocate>;
  ops.copy_file_range = guarded<op_copy_file_range>;
  ops.lseek = guarded<op_lseek>;
}

}  // namespace butterfuse
