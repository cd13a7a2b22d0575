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

constexpr uint64_t kLeastPageCache = 16u << 20, kLeastTreeCache = 16u << 20, kLeastDirtyMetadata = 8u << 20;

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
  budget.page_cache_bytes = std::clamp(limit_bytes / 5, kLeastPageCache, defaults.page_cache_bytes);
  budget.tree_cache_bytes = std::clamp(limit_bytes / 8, kLeastTreeCache, defaults.tree_cache_bytes);
  budget.dirty_metadata_bytes =
      std::clamp(limit_bytes / 16, kLeastDirtyMetadata, defaults.dirty_metadata_bytes);
  return budget;
}

}  // namespace butterfuse
