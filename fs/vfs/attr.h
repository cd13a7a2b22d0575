// Attributes: stat and its changes.
#pragma once

#include <sys/stat.h>

#include <optional>

#include "fs/vfs/caller.h"
#include "fs/vfs/mount.h"

namespace butterfuse {

constexpr uint64_t kFileSizeMax = INT64_MAX;

struct stat get_attr(Mount& mount, Inode& inode);

struct AttrChange {
  std::optional<uint32_t> mode;  // permission bits
  std::optional<uint32_t> uid, gid;
  std::optional<uint64_t> size;
  std::optional<Timespec> atime, mtime, ctime;  // ctime: now, when not given
  bool times_are_now = false;                   // atime and mtime are set to now, both, as touch(1) does it
  bool takes_privileges = false;                // a chown, though of neither id
  bool by_stranger = false;                     // neither the owner nor CAP_FOWNER: looked up where it matters
  bool kill_suidgid = false;                    // see drop_privileges
  bool kill_sgid = false;
};

// Permissions are the kernel's business. EPERM for immutable inodes, EFBIG, EINVAL for the size of no regular
// file.
Status set_attr(Mount& mount, Inode& inode, const AttrChange& change);
// Changes i_size; times too when it differs. What is preallocated behind the end goes, also when the size
// stays. REQUIRES data_lock() exclusive. ENOSPC, EIO: nothing has changed, unless a long truncation stopped
// between two steps: the file is then as long as what it still has.
Status truncate(Mount& mount, Inode& inode, uint64_t size);
// The content changed now: mtime, ctime and sequence, written by the next commit. Hold no handle, for these
// two may commit: see Inode::mark_dirty.
void note_modified(Inode& inode);
// A read now would change atime: by the mount options, the inode's flags, and the times it has.
bool atime_is_due(Mount& mount, const Inode& inode);
// Sets atime if it is due. Before the reader has its answer: from then on the kernel may ask for it, and
// keeps what it is told. True: follow with mark_dirty(), best behind the answer, since that may wait for a
// commit.
bool set_atime(Mount& mount, Inode& inode);
// Both at once, for readers that nobody waits for. True when atime changed.
bool touch_atime(Mount& mount, Inode& inode);
// What write, truncate and chown take from a file: its security.capability always; set-user-id, and
// set-group-id of an executable, when `kill_suidgid` (the caller has no CAP_FSETID, or it is a chown); with
// `kill_sgid` any set-group-id. The VFS's rules, which FUSE leaves to us with HANDLE_KILLPRIV_V2. Hold no
// handle.
Status drop_privileges(Mount& mount, Inode& inode, bool kill_suidgid, bool kill_sgid = false);

}  // namespace butterfuse
