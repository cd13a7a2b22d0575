// Processes: the folders of /proc that are numbers.
#include "core/base/processes.h"

#include <algorithm>
#include <filesystem>
#include <string>

namespace butterfuse {

std::vector<pid_t> processes() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(std::stoi(name));
  }
  std::ranges::sort(pids);
  return pids;
}

}  // namespace butterfuse
