// SPDX-License-Identifier: GPL-2.0-or-later
// exercise: uses a mount as a curious user would: looks at everything, then changes a little of it.
#pragma once

#include "fs/mount/mount.h"

namespace butterfuse::fuzz {

// Walks, lists and reads, up to a bounded number of entries and bytes; errors are met and passed by.
void read_all(Mount& mount);
// Creates, writes, overwrites, truncates, links, renames, removes and syncs, among what is there and anew.
void change_some(Mount& mount);

}  // namespace butterfuse::fuzz
