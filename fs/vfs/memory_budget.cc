// MemoryBudget: reading limits, and sharing out.
#include "fs/vfs/memory_budget.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace butterfuse {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kProgramBytes = 40u << 20;  // code, 25 threads at rest, their buffers, open block groups
constexpr uint64_t kLeastPageCache = 8u << 20, kLeastTreeCache = 8u << 20, kLeastDirtyMetadata = 4u << 20;
constexpr uint64_t kInodeBytes = 2560,
                   kLeastInodes = 1u << 10;  // of one in memory, with its item and its lists

// "max", and what is no number, is no limit.
uint64_t number_in(const fs::path& file) {
  std::ifstream in(file);
  uint64_t number = 0;
  return in >> number ? number : UINT64_MAX;
}

// Of the group and all above it.
uint64_t limit_of_group(const fs::path& mount, std::string group, const char* file) {
  uint64_t limit = UINT64_MAX;
  for (;;) {
    limit = std::min(limit, number_in(mount / fs::path(group).relative_path() / file));
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos || group == "/") return limit;
    group = slash == 0 ? "/" : group.substr(0, slash);
  }
}

}  // namespace

uint64_t memory_limit_bytes() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  uint64_t limit =
      pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : UINT64_MAX;
  std::ifstream groups("/proc/self/cgroup");
  // number:controllers:group; version 2 has no controllers.
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") limit = std::min(limit, limit_of_group("/sys/fs/cgroup", group, "memory.max"));
    if (controllers.find(",memory,") != std::string::npos)
      limit = std::min(limit, limit_of_group("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
  }
  return limit;
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
