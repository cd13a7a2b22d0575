// SPDX-License-Identifier: GPL-2.0-or-later
// The time of day, as inodes store it.
#pragma once

#include <time.h>

#include "core/items/inode_item.h"

namespace butterfuse {

inline Timespec current_time() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return {now.tv_sec, static_cast<uint32_t>(now.tv_nsec)};
}

}  // namespace butterfuse
