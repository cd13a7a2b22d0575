// SPDX-License-Identifier: GPL-2.0-or-later
// Control groups: /proc/self/cgroup names them, one line a hierarchy.
#include "core/base/control_group.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace butterfuse {
namespace {

namespace fs = std::filesystem;

// Where a limit stands, in either version.
struct LimitFile {
  const char* version_2;
  const char* version_1;
  const char* controller;  // of version 1
};
constexpr LimitFile kMemory{"memory.max", "memory.limit_in_bytes", "memory"};
constexpr LimitFile kProcessorTime{"cpu.max", "cpu.cfs_quota_us", "cpu"};

// "max", -1, and what is no number, is no limit.
uint64_t number_in(const fs::path& file) {
  std::ifstream in(file);
  int64_t number = 0;
  return in >> number && number >= 0 ? static_cast<uint64_t>(number) : UINT64_MAX;
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

uint64_t least_limit(const LimitFile& file) {
  uint64_t limit = UINT64_MAX;
  std::ifstream groups("/proc/self/cgroup");
  // number:controllers:group; version 2 has no controllers.
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") limit = std::min(limit, limit_of_group("/sys/fs/cgroup", group, file.version_2));
    if (controllers.find("," + std::string(file.controller) + ",") != std::string::npos)
      limit = std::min(limit,
                       limit_of_group(fs::path("/sys/fs/cgroup") / file.controller, group, file.version_1));
  }
  return limit;
}

}  // namespace

uint64_t control_group_memory_bytes() { return least_limit(kMemory); }

bool processor_time_is_limited() { return least_limit(kProcessorTime) != UINT64_MAX; }

}  // namespace butterfuse
