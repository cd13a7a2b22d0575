// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE create, open, read, write, fsync, release.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <optional>

#include "fs/attributes/attr.h"
#include "fs/data/file.h"
#include "fs/fuse/guarded.h"
#include "fs/fuse/kernel_pages.h"
#include "fs/fuse/open_rules.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/process.h"
#include "fs/fuse/write_at_end.h"
#include "fs/names/create.h"

namespace butterfuse {
namespace {

// Of a file: from here on it is not sent again only to see that it is read. Below, all of it is one
// or two requests.
constexpr uint64_t kLargeBytes = 1u << 20;

// Where readers begin, and those who want the newest.
bool drop_first_and_last_page(FuseContext& context, const Inode& inode, uint64_t size) {
  return drop_kernel_page(context, inode, 0) && drop_kernel_page(context, inode, size - 1);
}

// Of reading what the kernel has cached nobody hears: where atime is due it forgets that first, of a large
// file the ends, which costs less than to send all of it once more. With strictatime each read counts, not
// only the first behind an open: readers then have no cache.
//
// Nothing is dropped while somebody else may be writing: a write on its way to us has its bytes in the
// kernel's pages, and who reads one of those anew before we have them keeps the old ones, for good.
void make_reads_seen(fuse_req_t request, fuse_file_info& info, const OpenFile& file) {
  Mount& mount = mount_of(request);
  const int mode = info.flags & O_ACCMODE;
  info.keep_cache = 1;
  if (mode == O_WRONLY || file.keeps_atime || !atime_is_due(mount, *file.inode)) return;
  const bool strict = mount.options().atime == AtimeMode::strictatime;
  if (strict && context_of(request).direct_io_can_be_mapped) info.direct_io = mode == O_RDONLY;
  if (file.inode->writers() > (file.writable ? 1u : 0u)) return;
  const uint64_t size = file.inode->item().size;
  info.keep_cache =
      !strict && size > kLargeBytes && drop_first_and_last_page(context_of(request), *file.inode, size);
}

void fill_open_reply(fuse_req_t request, fuse_file_info& info, std::unique_ptr<OpenFile> file) {
  Mount& mount = mount_of(request);
  make_reads_seen(request, info, *file);
  const OpenRules rules = rules_of_open(mount, *file, info.flags);
  info.fh = open_files_of(request).add(std::move(file));
  info.noflush = rules.noflush;
  info.direct_io |= rules.direct_io;
}

void op_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  Mount& mount = mount_of(request);
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  const Caller caller = with_told_losses(caller_of(request), (*inode)->item());
  auto file = open_file(mount, std::move(*inode), engine_flags(mount, info->flags), caller);
  if (!file) return reply_error(request, file.error());
  // The kernel knows that size and times changed, not that the mode may have.
  if (info->flags & O_TRUNC) forget_attributes(request, *(*file)->inode);
  fill_open_reply(request, *info, std::move(*file));
  if (fuse_reply_open(request, info) != 0) open_files_of(request).release(info->fh);
}

void op_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
  Mount& mount = mount_of(request);
  auto dir = inode_of(request, parent);
  if (!dir) return reply_error(request, dir.error());
  NewInode what;
  what.mode = S_IFREG | (mode & 07777);
  what.umask = umask_of(request);
  auto inode = create(mount, **dir, name, what, caller_of(request));
  if (!inode) return reply_error(request, inode.error());
  const InodeKey key = (*inode)->key();
  const fuse_entry_param entry = entry_of(mount, **inode);
  auto file =
      open_file(mount, std::move(*inode), engine_flags(mount, info->flags) & ~O_TRUNC, caller_of(request));
  if (!file) return reply_error(request, file.error());
  fill_open_reply(request, *info, std::move(*file));
  mount.inodes().add_lookup(key);
  if (fuse_reply_create(request, &entry, info) == 0) return;
  open_files_of(request).release(info->fh);
  mount.inodes().forget(key, 1);
}

// The pages' own memory goes to the kernel, while they are pinned: the answer is out before the read is over.
void op_read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* info) {
  auto reply = [&](const std::vector<ByteSpan>& pieces) {
    std::vector<iovec> vectors;
    vectors.reserve(pieces.size());
    for (ByteSpan piece : pieces) {
      vectors.push_back({const_cast<std::byte*>(piece.data()), piece.size()});
    }
    fuse_reply_iov(request, vectors.data(), static_cast<int>(vectors.size()));
  };
  Mount& mount = mount_of(request);
  const auto file = OpenFiles::keep(info->fh);
  auto status = read_file(mount, *file, static_cast<uint64_t>(offset), size, reply);
  if (!status) reply_error(request, status.error());
}

// Where ids may be mapped, the kernel names the user only when an inode is made: whose process it is says it.
Caller writer_of(fuse_req_t request, OpenFile& file) {
  Caller caller = caller_of(request);
  if (caller.uid != kUnknownUser) return caller;
  if (file.writer == kUnknownUser) file.writer = user_of_process(caller.pid);
  caller.uid = file.writer;
  return caller;
}

// The kernel follows each write with an fsync where the descriptor or the mount asks for it, but where its
// cache is passed by, and it knows nothing of chattr +S.
bool is_left_to_us_to_sync(const Mount& mount, const fuse_file_info& info, const OpenFile& file) {
  if (file.inode->item().flags & inode_flag::kSync) return true;
  return (mount.options().writeback_cache || file.only_appends) && !info.writepage &&
         writes_are_synchronous(mount, file);
}

// What was stored into an append-only file stays in the kernel's pages, for all to read,
// unless it drops them.
void refuse_write(fuse_req_t request, const fuse_file_info& info, const WriteRequest& write,
                  const Error& error) {
  FuseContext& context = context_of(request);
  const auto file = OpenFiles::keep(info.fh);
  const Inode& inode = *file->inode;
  const bool stored = write.from_kernel_cache && (inode.item().flags & inode_flag::kAppend);
  if (error.code == EPERM) forget_attributes(request, inode);  // its idea of the end may have been wrong
  reply_error(request, error);
  if (stored) drop_kernel_pages(context, inode, ByteRange::at(write.offset, write.pieces.front().size()));
}

// `write` is done, of a file that ended at `old_size`.
void mend_pages_behind_old_end(fuse_req_t request, const OpenFile& file, uint64_t old_size,
                               const WriteRequest& write) {
  // Written past the kernel's pages: who reads beside it may have filled the last one with zeros behind the
  // old end, and will take them for content once the kernel knows the new size.
  if (file.only_appends && old_size % kSectorSize != 0)
    (void)drop_kernel_page(context_of(request), *file.inode, old_size);
  if (write.offset >= round_up(old_size, kSectorSize))
    zero_behind_old_end(request, *file.inode, old_size, write.offset);
}

WriteRequest write_request(const char* bytes, size_t size, off_t offset, const fuse_file_info& info) {
  WriteRequest write;
  write.offset = static_cast<uint64_t>(offset);
  write.pieces.push_back({reinterpret_cast<const std::byte*>(bytes), size});
  write.from_kernel_cache = info.writepage;
  // Of O_DIRECT writes the kernel sends all pieces at once, and makes EIO of it when one of them ends short.
  if (info.flags & O_DIRECT) write.how_much = HowMuch::all;
  return write;
}

void op_write(fuse_req_t request, fuse_ino_t, const char* bytes, size_t size, off_t offset,
              fuse_file_info* info) {
  FuseContext& context = context_of(request);
  Mount& mount = context.mount;
  WriteRequest write = write_request(bytes, size, offset, *info);
  const auto file = OpenFiles::keep(info->fh);
  Inode& inode = *file->inode;
  const InodeItem item = inode.item();
  std::optional<WriteAtEnd> at_end;
  if (context.kernel_clips_ends && inode.is_regular() && inode.may_be_mapped() && !(info->flags & O_DIRECT))
    at_end.emplace(context, inode, write);
  if (at_end && !at_end->begin()) {
    reply_error(request, {EINTR, "the kernel lost bytes of a write"});
    return at_end->drop_page_of_end();
  }
  Caller writer = with_told_losses(writer_of(request, *file), item);
  auto written = write_file(mount, *file, write, writer);
  if (writer.kill_suidgid) forget_attributes(request, inode);
  if (!written) return refuse_write(request, *info, write, written.error());
  mend_pages_behind_old_end(request, *file, item.size, write);
  if (is_left_to_us_to_sync(mount, *info, *file)) {
    if (auto status = sync_file(mount, *file); !status) return reply_error(request, status.error());
  }
  const auto answer = [&] { fuse_reply_write(request, *written); };
  if (at_end)
    at_end->end(answer);
  else
    answer();
}

void op_fsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info* info) {
  reply_status(request, sync_file(mount_of(request), open_file_of(info)));
}

void op_release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  close_file(open_file_of(info));
  open_files_of(request).release(info->fh);
  fuse_reply_err(request, 0);
}

}  // namespace

void add_file_ops(fuse_lowlevel_ops& ops) {
  ops.open = guarded<op_open>;
  ops.create = guarded<op_create>;
  ops.read = guarded<op_read>;
  ops.write = guarded<op_write>;
  ops.fsync = guarded<op_fsync>;
  ops.release = guarded<op_release>;
}

}  // namespace butterfuse
