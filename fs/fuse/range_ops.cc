// FUSE fallocate, copy_file_range, lseek.
#include <unistd.h>

#include "fs/fuse/ops.h"
#include "fs/vfs/copy_range.h"
#include "fs/vfs/fallocate.h"
#include "fs/vfs/seek.h"

namespace butterfuse {
namespace {

void op_fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
                  fuse_file_info* info) {
  const ByteRange range = ByteRange::at(static_cast<uint64_t>(offset), static_cast<uint64_t>(length));
  reply_status(request, fallocate(mount_of(request), *open_file_of(info).inode, mode, range));
}

void op_copy_file_range(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from, fuse_ino_t,
                        off_t to_offset, fuse_file_info* to, size_t length, int flags) {
  if (flags != 0) return reply_error(request, {EINVAL, "unknown flags"});
  const CopyRequest copy{*open_file_of(from).inode, static_cast<uint64_t>(from_offset),
                         *open_file_of(to).inode, static_cast<uint64_t>(to_offset), length};
  const auto copied = copy_range(mount_of(request), copy);
  if (!copied) return reply_error(request, copied.error());
  fuse_reply_write(request, *copied);
}

// The kernel asks only for these two; the rest it answers itself.
void op_lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* info) {
  Mount& mount = mount_of(request);
  Inode& inode = *open_file_of(info).inode;
  if (offset < 0) return reply_error(request, {ENXIO, "negative offset"});
  if (whence != SEEK_DATA && whence != SEEK_HOLE) return reply_error(request, {EINVAL, "unknown whence"});
  const auto from = static_cast<uint64_t>(offset);
  const auto found = whence == SEEK_DATA ? seek_data(mount, inode, from) : seek_hole(mount, inode, from);
  if (!found) return reply_error(request, found.error());
  fuse_reply_lseek(request, static_cast<off_t>(*found));
}

}  // namespace

void add_range_ops(fuse_lowlevel_ops& ops) {
  ops.fallocate = op_fallocate;
  ops.copy_file_range = op_copy_file_range;
  ops.lseek = op_lseek;
}

}  // namespace butterfuse
