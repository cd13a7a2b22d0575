// SPDX-License-Identifier: GPL-2.0-or-later
// The end of an inode that has lost its last name and its last user.
#pragma once

#include "fs/inode/inode.h"

namespace butterfuse {

// Deletes an orphan: its data in bounded steps, then everything else. A crash in between leaves the orphan.
// REQUIRES nlink 0 and no other user.
Status delete_inode(MountState& mount, Inode& inode);

}  // namespace butterfuse
