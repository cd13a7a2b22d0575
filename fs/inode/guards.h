// SPDX-License-Identifier: GPL-2.0-or-later
// Guards: what flags of an inode forbid, and what becomes of a transaction that fails half-way.
#pragma once

#include "fs/inode/inode.h"

namespace butterfuse {

// Passes the status on; a failed one aborts the transaction first.
Status or_abort(TransactionHandle& handle, Status status);

// Which flag makes which of these fail:
//
//                               +i       +a       READONLY   verity
//    check_not_immutable       EPERM    EPERM
//    check_can_be_added_to     EPERM
//    check_can_add_names       EPERM             EACCES
//    check_can_take_names      EPERM    EPERM    EACCES
//    check_not_readonly                          EACCES
//    check_not_sealed                                       EPERM
//    check_content_may_change                    EACCES     EPERM

// EPERM when an inode flag forbids changing it (chattr +i, +a).
Status check_not_immutable(const Inode& inode);
// For what needs the right to write the inode, whatever it is: EACCES for one with the READONLY flag, root
// too. The kernel looks at the mode only.
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
