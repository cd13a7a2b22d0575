// SPDX-License-Identifier: GPL-2.0-or-later
// Names: one name of an inode put into a directory or taken out of it, with all that changes along.
#pragma once

#include <string_view>

#include "fs/mount/mount.h"

namespace butterfuse {

// REQUIRES of both: the directory's names_lock() exclusive or the name-space lock exclusive.
//
// Adds directory entry and back reference; the directory's size, times and sequence change in memory, its
// item is saved into the transaction. EEXIST, EOVERFLOW (hash bucket full) and EMLINK leave everything as it
// was; after other errors the transaction is aborted.
Status add_name(Mount& mount, TransactionHandle& handle, Inode& dir, Inode& child, std::string_view name);
// The reverse. EUCLEAN when the back reference is missing (nothing changed).
Status remove_name(Mount& mount, TransactionHandle& handle, Inode& dir, Inode& child, std::string_view name);
// Removes an entry that has no inode behind it (a stale subvolume entry). It has no back reference that knows
// its index: the directory is searched for it. No log can tell it: a commit will. EUCLEAN when there is no
// index of the name.
Status remove_bare_entry(Mount& mount, TransactionHandle& handle, Inode& dir, std::string_view name);

// Called last by whatever changed names of `dir`: makes them durable where dirsync, chattr +D or chattr +S of
// the directory ask for it. Hold no lock of this room.
Status names_changed(Mount& mount, Inode& dir);

}  // namespace butterfuse
