// SPDX-License-Identifier: GPL-2.0-or-later
// Processes: reading /proc.
#include "cli/process/processes.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

namespace butterfuse {
namespace {

namespace fs = std::filesystem;

std::string link_of(const fs::path& path) {
  std::error_code error;
  return fs::read_symlink(path, error).string();
}

std::string name_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

bool is_below(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

int mount_id_of(const std::string& process, const std::string& descriptor) {
  std::ifstream info("/proc/" + process + "/fdinfo/" + descriptor);
  for (std::string word; info >> word;)
    if (int id = 0; word == "mnt_id:" && info >> id) return id;
  return -1;
}

// What the process does there; empty when nothing is seen.
std::string use_by(const std::string& process, const MountEntry& mount) {
  const fs::path folder = "/proc/" + process;
  if (is_below(link_of(folder / "cwd"), mount.mount_point)) return "working directory";
  if (is_below(link_of(folder / "root"), mount.mount_point)) return "root directory";
  if (is_below(link_of(folder / "exe"), mount.mount_point)) return "program";
  std::string open;
  for_each_descriptor(process, [&](const std::string& number, const std::string& target) {
    if (open.empty() && is_below(target, mount.mount_point) && mount_id_of(process, number) == mount.id)
      open = target;
  });
  return open;
}

}  // namespace

void for_each_descriptor(const std::string& process,
                         const std::function<void(const std::string&, const std::string&)>& visit) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc/" + process + "/fd", error))
    visit(entry.path().filename(), link_of(entry.path()));
}

std::vector<std::string> users_of_mount(const MountEntry& mount) {
  std::vector<std::string> users;
  for (const pid_t pid : processes()) {
    const std::string process = std::to_string(pid);
    const std::string use = use_by(process, mount);
    if (!use.empty()) users.push_back(name_of(process) + " (process " + process + "): " + use);
  }
  return users;
}

pid_t process_with_mount_elsewhere(const MountEntry& mount) {
  std::set<std::string> seen{link_of("/proc/self/ns/mnt")};
  for (const pid_t pid : processes()) {
    const std::string process = std::to_string(pid), space = link_of("/proc/" + process + "/ns/mnt");
    if (space.empty() || !seen.insert(space).second) continue;
    const auto table = read_mount_table(process);
    if (std::ranges::any_of(table, [&](const MountEntry& entry) { return entry.is_same_filesystem(mount); }))
      return pid;
  }
  return 0;
}

}  // namespace butterfuse
