// SPDX-License-Identifier: GPL-2.0-or-later
// Raw operations: their bodies as the kernel defines them, decoded and answered by hand.
#include "fs/fuse/raw_ops.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/stat.h>
#include <sys/sysmacros.h>

#include "core/base/log.h"
#include "fs/data/file.h"
#include "fs/fuse/opcodes.h"
#include "fs/fuse/open_rules.h"
#include "fs/fuse/ops.h"
#include "fs/fuse/request_at_work.h"
#include "fs/fuse/told_owner.h"
#include "fs/names/create.h"

namespace butterfuse {
namespace {

// struct fuse_statx_out of Linux 6.6, which holds a struct statx of the system call. Given by
// the kernel's protocol.
struct StatxOut {
  uint64_t attr_valid;
  uint32_t attr_valid_nsec, flags;
  uint64_t spare[2];
  struct statx stat;
};
static_assert(sizeof(StatxOut) == 32 + 256);

fuse_attr to_fuse_attr(const struct stat& attr) {
  fuse_attr out{};
  out.ino = attr.st_ino;
  out.size = static_cast<uint64_t>(attr.st_size);
  out.blocks = static_cast<uint64_t>(attr.st_blocks);
  out.atime = static_cast<uint64_t>(attr.st_atim.tv_sec);
  out.mtime = static_cast<uint64_t>(attr.st_mtim.tv_sec);
  out.ctime = static_cast<uint64_t>(attr.st_ctim.tv_sec);
  out.atimensec = static_cast<uint32_t>(attr.st_atim.tv_nsec);
  out.mtimensec = static_cast<uint32_t>(attr.st_mtim.tv_nsec);
  out.ctimensec = static_cast<uint32_t>(attr.st_ctim.tv_nsec);
  out.mode = attr.st_mode;
  out.nlink = static_cast<uint32_t>(attr.st_nlink);
  out.uid = attr.st_uid;
  out.gid = attr.st_gid;
  out.rdev = static_cast<uint32_t>(attr.st_rdev);
  out.blksize = static_cast<uint32_t>(attr.st_blksize);
  return out;
}

statx_timestamp to_statx_time(const timespec& time) {
  statx_timestamp out{};
  out.tv_sec = time.tv_sec;
  out.tv_nsec = static_cast<uint32_t>(time.tv_nsec);
  return out;
}

struct statx to_statx(const struct stat& attr, const InodeItem& item) {
  struct statx out {};
  out.stx_mask = STATX_BASIC_STATS | STATX_BTIME;
  out.stx_blksize = static_cast<uint32_t>(attr.st_blksize);
  out.stx_nlink = static_cast<uint32_t>(attr.st_nlink);
  out.stx_uid = attr.st_uid;
  out.stx_gid = attr.st_gid;
  out.stx_mode = static_cast<uint16_t>(attr.st_mode);
  out.stx_ino = attr.st_ino;
  out.stx_size = static_cast<uint64_t>(attr.st_size);
  out.stx_blocks = static_cast<uint64_t>(attr.st_blocks);
  out.stx_atime = to_statx_time(attr.st_atim);
  out.stx_mtime = to_statx_time(attr.st_mtim);
  out.stx_ctime = to_statx_time(attr.st_ctim);
  out.stx_btime = to_statx_time({item.otime.sec, static_cast<long>(item.otime.nsec)});
  out.stx_rdev_major = major(attr.st_rdev);
  out.stx_rdev_minor = minor(attr.st_rdev);
  return out;
}

// One raw request at work.
struct RawRequest {
  FuseContext& context;
  const fuse_in_header header;
  ByteSpan request;
  ByteSpan body;

  Mount& mount() const { return context.mount; }
  Result<InodePtr> inode() const { return inode_of_node(context.mount, header.nodeid); }
  void fail(const Error& error) const {
    log_error(error);
    reply_raw(context.session, request, error.code, {});
  }
  void done() const { reply_raw(context.session, request, 0, {}); }
};

Result<InodePtr> make_tmpfile(const RawRequest& raw, const fuse_create_in& in, const Caller& caller) {
  BF_ASSIGN(InodePtr dir, raw.inode());
  NewInode what;
  what.mode = S_IFREG | (in.mode & 07777);
  what.umask = raw.mount().options().acl ? in.umask : 0;
  return create_unnamed(raw.mount(), *dir, what, !(in.flags & O_EXCL), caller);
}

void op_tmpfile(const RawRequest& raw) {
  if (raw.body.size() < sizeof(fuse_create_in)) return raw.fail({EINVAL, "short request"});
  const auto in = load<fuse_create_in>(raw.body);
  const Caller caller{raw.header.uid, raw.header.gid, static_cast<pid_t>(raw.header.pid), false};
  auto inode = make_tmpfile(raw, in, caller);
  if (!inode) return raw.fail(inode.error());
  const InodeKey key = (*inode)->key();
  const fuse_entry_param entry = entry_of(raw.mount(), **inode);
  const int flags = static_cast<int>(in.flags);
  auto file = open_file(raw.mount(), std::move(*inode),
                        engine_flags(raw.mount(), flags) & ~(O_TRUNC | O_EXCL), caller);
  if (!file) return raw.fail(file.error());
  fuse_entry_out entry_out{};
  entry_out.nodeid = entry.ino;
  entry_out.generation = entry.generation;
  entry_out.entry_valid = static_cast<uint64_t>(entry.entry_timeout);
  entry_out.attr_valid = static_cast<uint64_t>(entry.attr_timeout);
  entry_out.attr = to_fuse_attr(entry.attr);
  fuse_open_out open_out{};
  const OpenRules rules = rules_of_open(raw.mount(), **file, flags);
  open_out.fh = raw.context.open_files.add(std::move(*file));
  open_out.open_flags = FOPEN_KEEP_CACHE;
  if (rules.direct_io) open_out.open_flags |= FOPEN_DIRECT_IO;
  if (rules.noflush) open_out.open_flags |= FOPEN_NOFLUSH;
  raw.mount().inodes().add_lookup(key);
  if (reply_raw(raw.context.session, raw.request, 0,
                {{&entry_out, sizeof(entry_out)}, {&open_out, sizeof(open_out)}}))
    return;
  raw.context.open_files.release(open_out.fh);
  raw.mount().inodes().forget(key, 1);
}

void op_statx(const RawRequest& raw) {
  auto inode = raw.inode();
  if (!inode) return raw.fail(inode.error());
  StatxOut out{};
  out.attr_valid = static_cast<uint64_t>(attr_seconds(raw.mount()));
  const auto caller = static_cast<pid_t>(raw.header.pid);
  out.stat = to_statx(shown_attr(raw.context, **inode, caller), (*inode)->item());
  reply_raw(raw.context.session, raw.request, 0, {{&out, sizeof(out)}});
}

void op_syncfs(const RawRequest& raw) {
  if (auto status = raw.mount().sync(); !status) return raw.fail(status.error());
  raw.done();
}

}  // namespace

bool process_raw_op(FuseContext& context, uint32_t opcode, ByteSpan request) {
  const auto operation = opcode == kTmpfile  ? op_tmpfile
                         : opcode == kStatx  ? op_statx
                         : opcode == kSyncfs ? op_syncfs
                                             : nullptr;
  if (operation == nullptr) return false;
  try {
    operation({context, load<fuse_in_header>(request), request, request.subspan(sizeof(fuse_in_header))});
  } catch (const std::bad_alloc&) {
    if (!request_was_answered()) (void)reply_raw(context.session, request, ENOMEM, {});
  }
  return true;
}

}  // namespace butterfuse
