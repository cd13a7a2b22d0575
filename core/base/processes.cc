// SPDX-License-Identifier: GPL-2.0-or-later
// Processes: the folders of /proc that are numbers.
#include "core/base/processes.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

#include "core/base/numbers.h"

namespace butterfuse {
namespace {

std::string stat_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  return {std::istreambuf_iterator<char>(file), {}};
}

// In ticks since the machine was started.
std::optional<uint64_t> start_of(pid_t pid) {
  constexpr int kStartField = 22;
  return number_in_stat(stat_of(pid), kStartField);
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

// Of several threads the first may have gone, a zombie, while another one still is in the kernel: then it is
// the flag that tells. Before that, the signal is still to be taken.
bool is_ending(pid_t pid) {
  constexpr int kFlagsField = 9, kSignalsField = 31;
  constexpr uint64_t kExiting = 4;  // PF_EXITING of the kernel's task flags
  constexpr uint64_t kKill = uint64_t{1} << (SIGKILL - 1);
  const std::string text = stat_of(pid);
  return (number_in_stat(text, kFlagsField).value_or(0) & kExiting) != 0 ||
         (number_in_stat(text, kSignalsField).value_or(0) & kKill) != 0;
}

bool is_runnable(pid_t pid) {
  const std::string text = stat_of(pid);
  const size_t name_end = text.rfind(") ");
  return name_end != text.npos && text[name_end + 2] == 'R';
}

std::optional<uint64_t> number_in_stat(std::string_view text, int field) {
  size_t at = text.rfind(')');
  for (int before = 2; at != text.npos && before < field; ++before) at = text.find(' ', at + 1);
  if (at == text.npos) return std::nullopt;
  const size_t end = text.find_first_of(" \n", at + 1);
  return parse_integer<uint64_t>(text.substr(at + 1, end == text.npos ? end : end - at - 1));
}

}  // namespace butterfuse
