// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryBudget: how much the caches may take of what the machine and the control groups leave us.
#pragma once

#include <cstdint>

namespace butterfuse {

struct MemoryBudget {
  uint64_t page_cache_bytes = 192u << 20;  // as DataEngineOptions, which says why
  uint64_t tree_cache_bytes = 96u << 20;
  uint64_t dirty_metadata_bytes = 48u << 20;
  uint64_t idle_inodes = 32u << 10;  // that nobody uses, kept for the next one who asks

  // What `limit_bytes` leaves beside the program, its threads and requests is shared out, up to the
  // defaults; some two fifths of it are for what is not counted in bytes: changes of a transaction, and what
  // malloc can't give back.
  static MemoryBudget within(uint64_t limit_bytes);
};

// The least of the machine's memory and the limits of the process's memory control group and those above it
// (version 1 or 2). Read from /proc and /sys; what can't be read limits nothing.
uint64_t memory_limit_bytes();

}  // namespace butterfuse
