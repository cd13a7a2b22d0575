// Names: one name of an inode put into a directory or taken out of it, with all that changes along.
#pragma once

#include <string_view>

#include "fs/vfs/mount.h"

namespace butterfuse {

// REQUIRES of both: the directory's names_lock() exclusive or the name-space lock exclusive.
//
// Adds directory entry and back reference; the directory's size, times and sequence change in memory, its
// item is saved into the transaction. EEXIST, EOVERFLOW (hash bucket full) and EMLINK leave everything as it
// was; after other errors the transaction is aborted.
Status add_name(TransactionHandle& handle, Inode& dir, Inode& child, std::string_view name);
// The reverse. EUCLEAN when the back reference is missing (nothing changed).
Status remove_name(TransactionHandle& handle, Inode& dir, Inode& child, std::string_view name);
// Removes an entry that has no inode behind it (a stale subvolume entry).
Status remove_bare_entry(TransactionHandle& handle, Inode& dir, std::string_view name);

// Called last by whatever changed names of `dir`: makes them durable where dirsync, chattr +D or chattr +S of
// the directory ask for it. Hold no lock of this room.
Status names_changed(Mount& mount, Inode& dir);

// Passes the status on; a failed one aborts the transaction first.
Status or_abort(TransactionHandle& handle, Status status);
// EPERM when an inode flag forbids changing it (chattr +i, +a).
Status check_not_immutable(const Inode& inode);
// For what needs the right to write the inode, whatever it is: EACCES for one with the READONLY flag, root too. The kernel
// looks at the mode only.
Status check_not_readonly(const Inode& inode);
Status check_not_sealed(const Inode& inode);  // EPERM
// Of files: EPERM for one sealed by fs-verity, EACCES for one with the READONLY flag (btrfs-convert sets it
// on the image of the old file system).
Status check_content_may_change(const Inode& inode);
// EPERM when chattr +i forbids it: what is append-only may grow.
Status check_can_be_added_to(const Inode& inode);
// Of a directory: EPERM for an immutable one, EACCES for one with the READONLY flag. Names may be added to an
// append-only directory, but not taken out.
Status check_can_add_names(const Inode& dir);
Status check_can_take_names(const Inode& dir);

}  // namespace butterfuse
