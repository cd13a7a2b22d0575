// SPDX-License-Identifier: GPL-2.0-or-later
// Open files: the rules around FileData.
#include "fs/data/file.h"

#include <fcntl.h>

#include <algorithm>

#include "fs/attributes/attr.h"
#include "fs/data/file_extents.h"
#include "fs/data/set_attr.h"
#include "fs/inode/clock.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

bool for_writing(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

bool is_append_only(const Inode& inode) { return (inode.item().flags & inode_flag::kAppend) != 0; }

Status check_open(Mount& mount, const Inode& inode, int flags) {
  if (!for_writing(flags) && !(flags & O_TRUNC)) return {};
  if (inode.is_dir()) return make_error(EISDIR, "inode {} is a directory", inode.ino());
  BF_TRY(mount.check_writable(inode));
  BF_TRY(check_content_may_change(inode));
  const uint64_t inode_flags = inode.item().flags;
  if (inode_flags & inode_flag::kImmutable) return make_error(EPERM, "inode {} is immutable", inode.ino());
  if (is_append_only(inode) && (!(flags & O_APPEND) || (flags & O_TRUNC))) {
    return make_error(EPERM, "inode {} is append-only", inode.ino());
  }
  return {};
}

std::vector<ByteSpan> without_first(std::vector<ByteSpan> pieces, size_t bytes) {
  for (ByteSpan& piece : pieces) {
    const size_t gone = std::min(bytes, piece.size());
    piece = piece.subspan(gone);
    bytes -= gone;
  }
  return pieces;
}

size_t bytes_of(const WriteRequest& request) {
  size_t total = 0;
  for (const ByteSpan piece : request.pieces) total += piece.size();
  return total;
}

// The kernel does not look how much of its own writeback was taken: all of it, or an error.
Result<size_t> write_all_data(Inode& inode, WriteRequest request, DomainId domain) {
  const size_t total = bytes_of(request);
  size_t written = 0;
  while (written < total) {
    BF_ASSIGN(const size_t bytes, inode.data().write(request.offset, request.pieces, domain));
    written += bytes;
    request.offset += bytes;
    request.pieces = without_first(std::move(request.pieces), bytes);
  }
  return total;
}

// The kernel knows of no append-only files but its own: what it refuses there we refuse here. pwrite(2) after
// F_SETFL took O_APPEND away, and RWF_NOAPPEND, come as plain writes; a store into a shared mapping as
// writeback of a page. As in the kernel, a file that was opened before chattr +a may be written
// everywhere. REQUIRES data_lock().
Status check_old_bytes_stay(const OpenFile& file, const WriteRequest& request) {
  const Inode& inode = *file.inode;
  if (!is_append_only(inode) || request.offset >= file.inode->data().size()) return {};
  if (request.from_kernel_cache)
    return inode.may_be_mapped_to_change()
               ? Status{}
               : make_error(EIO, "a store into append-only inode {}", inode.ino());
  return file.appends ? make_error(EPERM, "write at {} of append-only inode {}", request.offset, inode.ino())
                      : Status{};
}

}  // namespace

// A shared mapping that is written to needs a file open for both, and keeps it open.
OpenFile::OpenFile(InodePtr pin, int flags)
    : inode(std::move(pin)),
      writable(for_writing(flags)),
      appends((flags & O_APPEND) != 0),
      only_appends(writable && is_append_only(*inode)),
      keeps_atime((flags & O_NOATIME) != 0),
      syncs((flags & (O_SYNC | O_DSYNC)) != 0),
      can_be_mapped((flags & O_ACCMODE) == O_RDWR) {
  if (writable) inode->add_writer();
  if (can_be_mapped) inode->add_mapper(!only_appends);
}

OpenFile::~OpenFile() {
  if (can_be_mapped) inode->remove_mapper(!only_appends);
  if (writable) inode->remove_writer();
}

Result<std::unique_ptr<OpenFile>> open_file(Mount& mount, InodePtr inode, int flags, const Caller& caller) {
  BF_TRY(check_open(mount, *inode, flags));
  auto file = std::make_unique<OpenFile>(std::move(inode), flags);
  Inode& opened = *file->inode;
  if (!opened.is_regular()) return file;
  BF_TRY(opened.verity());
  if (for_writing(flags) || (flags & O_TRUNC)) BF_TRY(opened.load_properties());
  {
    MutexLock lock(file->mutex);
    file->error_seen = opened.data().error_cursor();
  }
  if (flags & O_TRUNC) {
    AttrChange change;
    change.size = 0;
    change.kill_suidgid = caller.kill_suidgid;
    change.kill_sgid = caller.kill_sgid;
    change.mtime = current_time();
    BF_TRY(set_attr(mount, opened, change));
  }
  return file;
}

Status read_file(Mount& mount, OpenFile& file, uint64_t offset, size_t length,
                 const std::function<void(const std::vector<ByteSpan>&)>& sink) {
  Inode& inode = *file.inode;
  if (!inode.is_regular())
    return make_error(EINVAL, "read of inode {}, which is no regular file", inode.ino());
  const bool atime_changed = !file.keeps_atime && set_atime(mount, inode);
  Status status = [&]() -> Status {
    ReaderLock lock(inode.data_lock());
    return inode.data().read(offset, length, file.readahead, sink);
  }();
  if (atime_changed) inode.mark_dirty();
  return status;
}

Result<size_t> write_file(Mount& mount, OpenFile& file, const WriteRequest& request, const Caller& caller) {
  Inode& inode = *file.inode;
  // What the kernel writes back was accepted long ago: that it can't be kept is an error of the file system.
  if (auto status = mount.check_writable(inode); !status)
    return request.from_kernel_cache ? make_error(EIO, "{}", status.error().message)
                                     : tl::unexpected(status.error());
  if (!inode.is_regular())
    return make_error(EINVAL, "write to inode {}, which is no regular file", inode.ino());
  if (!request.from_kernel_cache)
    BF_TRY(drop_privileges(mount, inode, caller.kill_suidgid, caller.kill_sgid));
  WriterLock lock(inode.data_lock());
  BF_TRY(check_old_bytes_stay(file, request));
  if (request.offset + bytes_of(request) > inode.data().size()) BF_TRY(drop_behind_size(mount, inode));
  const DomainId domain = domain_of(caller);
  BF_ASSIGN(const size_t written,
            request.from_kernel_cache
                ? write_all_data(inode, request, domain)
                : inode.data().write(request.offset, request.pieces, domain, request.how_much));
  if (request.from_kernel_cache && mount.options().writeback_cache) return written;
  note_modified(inode);
  return written;
}

bool writes_are_synchronous(const Mount& mount, const OpenFile& file) {
  return file.syncs || mount.options().sync_data || (file.inode->item().flags & inode_flag::kSync);
}

Status flush_file(OpenFile& file) {
  FileData* data = file.inode->data_if_any();
  if (data == nullptr) return {};
  MutexLock lock(file.mutex);
  return data->take_error(file.error_seen);
}

Status sync_file(Mount& mount, OpenFile& file) {
  Inode& inode = *file.inode;
  if (mount.options().read_only) return {};
  if (FileData* data = inode.data_if_any()) (void)data->flush({0, UINT64_MAX}, true);
  BF_TRY(told_by_fsync(flush_file(file)));  // errors, of now and before, once
  return mount.make_durable(inode);
}

void close_file(OpenFile& file) {
  FileData* data = file.inode->data_if_any();
  if (data == nullptr || !file.inode->take_emptied()) return;
  (void)data->flush({0, UINT64_MAX}, false);  // its errors are kept for fsync
}

}  // namespace butterfuse
