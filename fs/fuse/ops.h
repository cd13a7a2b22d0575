// FUSE operations: the table libfuse calls, one file per family, and what they share.
#pragma once

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>

#include <atomic>
#include <functional>

#include "fs/fuse/open_files.h"
#include "fs/fuse/told_owner.h"
#include "fs/vfs/caller.h"
#include "fs/vfs/mount.h"

namespace butterfuse {

// What every request finds behind fuse_req_userdata.
struct FuseContext {
  Mount& mount;
  std::function<void()> on_live;  // the kernel has said hello: the mount works
  fuse_session* session = nullptr;
  std::atomic<bool> long_setxattr = false;  // the kernel sends it: see raw_request.h
  std::string mountpoint{};                 // empty: none that the kernel knows of
  dev_t device = 0;                         // st_dev of all that is in it; 0: somebody else has mounted it
  std::atomic<bool> seen_read_only = false;  // when a mount table was last looked at
  std::atomic<bool> ending = false;         // long calls are to stop: see cancel_long_calls
  std::atomic<bool> direct_io_can_be_mapped = false;  // the kernel lets files that it does not cache be mapped
  bool single_thread = false;               // nobody else answers while a request is at work
  std::atomic<unsigned> waiting_for_pages{0};  // requests: see kernel_pages.h
  OpenFiles open_files{};
  std::shared_ptr<TopLesson> top_lesson{};  // with `fakeroot`; set at FUSE_INIT
};

// Each family fills in its own entries.
void add_lookup_ops(fuse_lowlevel_ops& ops);
void add_attr_ops(fuse_lowlevel_ops& ops);
void add_namespace_ops(fuse_lowlevel_ops& ops);
void add_file_ops(fuse_lowlevel_ops& ops);
void add_range_ops(fuse_lowlevel_ops& ops);
void add_ioctl_ops(fuse_lowlevel_ops& ops);
void add_dir_ops(fuse_lowlevel_ops& ops);
void add_xattr_ops(fuse_lowlevel_ops& ops);
void add_statfs_ops(fuse_lowlevel_ops& ops);
// All of them, and FUSE_INIT.
fuse_lowlevel_ops all_operations();

// We are the only one who changes the file system, so what the kernel learnt stays true until it changes it
// itself.
constexpr double kCacheSeconds = 3600;

FuseContext& context_of(fuse_req_t request);
Mount& mount_of(fuse_req_t request);
fuse_session* session_of(fuse_req_t request);
Caller caller_of(fuse_req_t request);
// What is still to be taken from the mode of a new inode: with access control lists that is our business.
uint32_t umask_of(fuse_req_t request);
// The one place where errors become errno; those that say something about the disk are logged.
void reply_error(fuse_req_t request, const Error& error);
void reply_status(fuse_req_t request, const Status& status);
// Logs an error that says something about the disk.
void log_error(const Error& error);
// The inode of a node id. ESTALE when there is none.
Result<InodePtr> inode_of_node(Mount& mount, fuse_ino_t node);
Result<InodePtr> inode_of(fuse_req_t request, fuse_ino_t node);
fuse_entry_param entry_of(Mount& mount, Inode& inode);
// The kernel asks again for what stat(2) says. For changes that the answer to the request does not tell of.
void forget_attributes(Mount& mount, fuse_session* session, const Inode& inode);
void forget_attributes(fuse_req_t request, const Inode& inode);
// The kernel reads these bytes again, and asks for attributes. For what an operation that failed has changed.
// Hold no lock; behind the answer to a setattr of the size, during which the kernel writes no pages back.
void forget_content(Mount& mount, fuse_session* session, const Inode& inode, ByteRange range);
// Answers with an entry and counts the look-up, exactly when the kernel gets to know of it.
void reply_entry(fuse_req_t request, const Result<InodePtr>& inode);

OpenFiles& open_files_of(fuse_req_t request);
inline OpenFile& open_file_of(const fuse_file_info* info) { return OpenFiles::of(info->fh); }

}  // namespace butterfuse
