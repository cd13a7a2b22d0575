// MemoryBudget: how much the caches may take, by what the machine and its control groups leave to the
// process.
#pragma once

#include <cstdint>

namespace butterfuse {

struct MemoryBudget {
  uint64_t page_cache_bytes = 192u << 20;
  uint64_t tree_cache_bytes = 96u << 20;
  uint64_t dirty_metadata_bytes = 48u << 20;

  // Half of `limit_bytes` for caches, but no more than the defaults; the rest is for inodes, requests and
  // threads.
  static MemoryBudget within(uint64_t limit_bytes);
};

// The least of the machine's memory and the limits of the process's memory control group and those above it
// (version 1 or 2). Read from /proc and /sys; what can't be read limits nothing.
uint64_t memory_limit_bytes();

}  // namespace butterfuse
