// SPDX-License-Identifier: GPL-2.0-or-later
// FUSE operations: the table libfuse calls, one file per family, and what they share.
#pragma once

#include "fs/data/file.h"
#include "fs/fuse/forget.h"
#include "fs/fuse/fuse_context.h"
#include "fs/mount/caller.h"

namespace butterfuse {

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
void forget_attributes(fuse_req_t request, const Inode& inode);
// Answers with an entry and counts the look-up, exactly when the kernel gets to know of it.
void reply_entry(fuse_req_t request, const Result<InodePtr>& inode);

OpenFiles& open_files_of(fuse_req_t request);
inline OpenFile& open_file_of(const fuse_file_info* info) { return OpenFiles::of(info->fh); }

}  // namespace butterfuse
