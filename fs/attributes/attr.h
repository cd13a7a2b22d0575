// SPDX-License-Identifier: GPL-2.0-or-later
// Attributes: stat, times, and privileges that a change of content takes away.
#pragma once

#include <sys/stat.h>

#include "fs/mount/mount.h"

namespace butterfuse {

// stat(2): ids, mode and numbers as the mount shows them (IdMap, umask=, NodeIds), the size as programs
// see it, blocks as if dirty data were stored. Looks into the file's tree where data is dirty: hold no
// lock of trees.
struct stat get_attr(Mount& mount, Inode& inode);

// The content changed now: mtime, ctime and sequence, written by the next commit. Hold no handle, for this
// may commit: see Inode::mark_dirty.
void note_modified(Inode& inode);
// A read now would change atime: by the mount options, the inode's flags, and the times it has.
bool atime_is_due(Mount& mount, const Inode& inode);
// Sets atime if it is due. Before the reader has its answer: from then on the kernel may ask for
// it, and keeps what it is told. True: follow with mark_dirty(), best behind the answer, since that
// may wait for a commit.
bool set_atime(Mount& mount, Inode& inode);
// Both at once, for readers that nobody waits for. True when atime changed. Hold no handle.
bool touch_atime(Mount& mount, Inode& inode);
// What write, truncate and chown take from a file: its security.capability always; set-user-id, and
// set-group-id of an executable, when `kill_suidgid` (the caller has no CAP_FSETID, or it is a
// chown); with `kill_sgid` any set-group-id. The VFS's rules, which FUSE leaves to us with
// HANDLE_KILLPRIV_V2. Hold no handle.
Status drop_privileges(Mount& mount, Inode& inode, bool kill_suidgid, bool kill_sgid = false);

// dev_t and its form on disk, both ways. Nothing is lost: Linux has 12 bits of major and 20 of minor.
// struct stat's device number to and from the form on disk.
uint64_t encode_rdev(uint64_t dev);
uint64_t decode_rdev(uint64_t rdev);

}  // namespace butterfuse
