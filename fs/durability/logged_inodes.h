// SPDX-License-Identifier: GPL-2.0-or-later
// LoggedInodes: what the log of the running transaction has of each inode.
#pragma once

#include <cstdint>
#include <map>

#include "fs/inode/subvolume.h"

namespace butterfuse {

// What later sessions of the transaction must know of earlier ones: all of them write one log, replayed
// as a whole.
struct LoggedInode {
  bool is_new = false;     // the last commit does not have it
  bool has_data = false;   // extents or entries too, not only so that it exists
  bool lost_name = false;  // one that the last commit has
  uint64_t size = 0;       // in the log
};
using LoggedInodes = std::map<InodeKey, LoggedInode>;

}  // namespace butterfuse
