// SPDX-License-Identifier: GPL-2.0-or-later
// Low memory: what is refused, and what is given back, when the reserve had to be used.
#pragma once

#include <cstdint>

#include "fs/mount/mount.h"

namespace butterfuse {

// From the first request on.
void keep_memory_reserve();

// For each request before it is begun. False: memory ran out and has not come back, and this request (by its
// opcode) would add to what is kept: answer ENOMEM. Reading, removing, saving and closing go on. While the
// reserve is used, clean pages are dropped and a commit is asked for, so that dirty metadata gets clean.
bool has_memory_for(Mount& mount, uint32_t opcode);

}  // namespace butterfuse
