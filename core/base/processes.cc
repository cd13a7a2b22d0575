// SPDX-License-Identifier: GPL-2.0-or-later
// Processes: the folders of /proc that are numbers.
#include "core/base/processes.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

#include "core/base/numbers.h"

namespace butterfuse {
namespace {

// In ticks since the machine was started.
std::optional<uint64_t> start_of(pid_t pid) {
  constexpr int kStartField = 22;
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return number_in_stat(text, kStartField);
}

}  // namespace

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

// Of two that started in one tick the one with the larger number counts as the younger.
std::vector<pid_t> youngest_first(const std::vector<pid_t>& pids) {
  std::vector<std::pair<uint64_t, pid_t>> started;
  for (const pid_t pid : pids)
    if (const auto start = start_of(pid)) started.emplace_back(*start, pid);
  std::ranges::sort(started, std::greater<>());
  std::vector<pid_t> sorted;
  for (const auto& [start, pid] : started) sorted.push_back(pid);
  return sorted;
}

std::optional<uint64_t> number_in_stat(std::string_view text, int field) {
  size_t at = text.rfind(')');
  for (int before = 2; at != text.npos && before < field; ++before) at = text.find(' ', at + 1);
  if (at == text.npos) return std::nullopt;
  const size_t end = text.find_first_of(" \n", at + 1);
  return parse_integer<uint64_t>(text.substr(at + 1, end == text.npos ? end : end - at - 1));
}

}  // namespace butterfuse
