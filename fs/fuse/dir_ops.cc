// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE opendir, readdir, readdirplus, fsyncdir, releasedir.
#include <fcntl.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "fs/attributes/attr.h"
#include "fs/data/file.h"
#include "fs/fuse/guarded.h"
#include "fs/fuse/ops.h"
#include "fs/names/lookup.h"
#include "fs/names/readdir.h"

namespace butterfuse {
namespace {

// The kernel's forms, which are padded to 8 bytes. That is not counted: what does not fit the answer any more
// is asked for again.
constexpr size_t kDirentBytes = 24;       // fuse_dirent without its name
constexpr size_t kDirentPlusBytes = 152;  // fuse_direntplus without its name

void op_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  auto inode = inode_of(request, node);
  if (!inode) return reply_error(request, inode.error());
  Mount& mount = mount_of(request);
  auto file = std::make_unique<OpenFile>(std::move(*inode), info->flags);
  // Of listing what it kept nobody hears (see file_ops.cc); of its use the kernel checks mtime.
  const bool due = !file->keeps_atime && atime_is_due(mount, *file->inode);
  info->keep_cache = !due;
  info->cache_readdir = !due || mount.options().atime != AtimeMode::strictatime;
  info->fh = open_files_of(request).add(std::move(file));
  if (fuse_reply_open(request, info) != 0) open_files_of(request).release(info->fh);
}

// rewinddir(3) begins a new listing. What the kernel has cached of the directory it does not ask for: the
// first question may be one for the middle.
Result<std::vector<ListedEntry>> list_open_directory(Mount& mount, OpenFile& file, off_t position,
                                                     size_t budget, size_t entry_bytes) {
  if (position == 0 || file.listing_end == 0) {
    BF_ASSIGN(const uint64_t end, listing_end(mount, *file.inode));
    file.listing_end = end;
  }
  return list_directory(mount, *file.inode, static_cast<uint64_t>(position), file.listing_end, budget,
                        entry_bytes);
}

void op_readdir(fuse_req_t request, fuse_ino_t, size_t size, off_t position, fuse_file_info* info) {
  Mount& mount = mount_of(request);
  Inode& dir = *open_file_of(info).inode;
  auto list = list_open_directory(mount, open_file_of(info), position, size, kDirentBytes);
  if (!list) return reply_error(request, list.error());
  std::vector<char> buffer(size);
  size_t used = 0;
  for (const ListedEntry& listed : *list) {
    struct stat attr {};
    attr.st_ino = listed.ino;
    attr.st_mode = listed.mode;
    const size_t need = fuse_add_direntry(request, buffer.data() + used, size - used, listed.name.c_str(),
                                          &attr, static_cast<off_t>(listed.next_position));
    if (need > size - used) break;
    used += need;
  }
  if (!open_file_of(info).keeps_atime) touch_atime(mount, dir);
  fuse_reply_buf(request, buffer.data(), used);
}

// An entry whose inode can't be read is still listed, without attributes: a look-up will tell the error.
fuse_entry_param plus_entry(Mount& mount, Inode& dir, const ListedEntry& listed, InodePtr& inode) {
  fuse_entry_param entry{};
  entry.attr.st_ino = listed.ino;
  entry.attr.st_mode = listed.mode;
  if (listed.is_dot) return entry;
  auto followed = follow_entry(mount, dir, listed.entry);
  if (!followed) {
    log(LogLevel::warning, "directory {}: entry '{}': {}", dir.ino(), listed.name, followed.error().message);
    return entry;
  }
  inode = std::move(*followed);
  return entry_of(mount, *inode);
}

void op_readdirplus(fuse_req_t request, fuse_ino_t, size_t size, off_t position, fuse_file_info* info) {
  Mount& mount = mount_of(request);
  Inode& dir = *open_file_of(info).inode;
  auto list = list_open_directory(mount, open_file_of(info), position, size, kDirentPlusBytes);
  if (!list) return reply_error(request, list.error());
  std::vector<char> buffer(size);
  std::vector<InodeKey> looked_up;
  size_t used = 0;
  for (const ListedEntry& listed : *list) {
    InodePtr inode;
    const fuse_entry_param entry = plus_entry(mount, dir, listed, inode);
    const size_t need =
        fuse_add_direntry_plus(request, buffer.data() + used, size - used, listed.name.c_str(), &entry,
                               static_cast<off_t>(listed.next_position));
    if (need > size - used) break;
    used += need;
    if (!inode) continue;
    looked_up.push_back(inode->key());
    mount.inodes().add_lookup(inode->key());
  }
  if (!open_file_of(info).keeps_atime) touch_atime(mount, dir);
  if (fuse_reply_buf(request, buffer.data(), used) == 0) return;
  // The caller was interrupted: the kernel never heard of these.
  for (const InodeKey& key : looked_up) mount.inodes().forget(key, 1);
}

void op_releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  open_files_of(request).release(info->fh);
  fuse_reply_err(request, 0);
}

void op_fsyncdir(fuse_req_t request, fuse_ino_t, int, fuse_file_info* info) {
  reply_status(request, mount_of(request).make_durable(*open_file_of(info).inode));
}

}  // namespace

void add_dir_ops(fuse_lowlevel_ops& ops) {
  ops.opendir = guarded<op_opendir>;
  ops.readdir = guarded<op_readdir>;
  ops.readdirplus = guarded<op_readdirplus>;
  ops.releasedir = guarded<op_releasedir>;
  ops.fsyncdir = guarded<op_fsyncdir>;
}

}  // namespace butterfuse
