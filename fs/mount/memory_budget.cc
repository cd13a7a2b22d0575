// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryBudget: reading limits, and sharing out.
//
// Of what is left beside the program:
//
//   page cache        1/5    full at 960 MiB      never below 8 MiB
//   tree blocks       1/6            576 MiB                  8 MiB
//   idle inodes       1/8            640 MiB                  1024 of them
//   dirty metadata    1/12           576 MiB                  4 MiB
//   not counted       42 %   changes of a transaction, requests at work, what malloc can't give back
//
// So all have their defaults from 1000 MiB on, and their least where 20 to 48 MiB are left. Half of the limit
// for the caches alone was too much: the program's own code had to be read again and again.
#include "fs/mount/memory_budget.h"

#include <unistd.h>

#include <algorithm>

#include "core/base/control_group.h"

namespace butterfuse {
namespace {

// Code, 25 threads at rest, their buffers, open block groups.
constexpr uint64_t kProgramBytes = 40u << 20;
constexpr uint64_t kLeastPageCache = 8u << 20, kLeastTreeCache = 8u << 20, kLeastDirtyMetadata = 4u << 20;
// kInodeBytes: of one in memory, with its item and its lists. Those that wait for a commit have the same
// limit (DirtyInodes), and come on top.
constexpr uint64_t kInodeBytes = 2560, kLeastInodes = 1u << 10;

}  // namespace

uint64_t memory_limit_bytes() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  const uint64_t machine =
      pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : UINT64_MAX;
  return std::min(machine, control_group_memory_bytes());
}

MemoryBudget MemoryBudget::within(uint64_t limit_bytes) {
  const MemoryBudget defaults;
  MemoryBudget budget;
  const uint64_t left = limit_bytes > kProgramBytes ? limit_bytes - kProgramBytes : 0;
  budget.page_cache_bytes = std::clamp(left / 5, kLeastPageCache, defaults.page_cache_bytes);
  budget.tree_cache_bytes = std::clamp(left / 6, kLeastTreeCache, defaults.tree_cache_bytes);
  budget.dirty_metadata_bytes = std::clamp(left / 12, kLeastDirtyMetadata, defaults.dirty_metadata_bytes);
  budget.idle_inodes = std::clamp(left / 8 / kInodeBytes, kLeastInodes, defaults.idle_inodes);
  return budget;
}

}  // namespace butterfuse
