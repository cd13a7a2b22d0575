// SPDX-License-Identifier: GPL-2.0-or-later
// MountProcess: names, parents and descriptors in /proc.
#include "core/base/mount_process.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/processes.h"

namespace butterfuse {
namespace {

namespace fs = std::filesystem;

// At most 15 bytes, which is what the kernel keeps of a name.
std::string helper_name(dev_t device) { return fmt::format("bf:{}:{}", major(device), minor(device)); }

std::string name_of_process(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(file, name);
  return name;
}

std::vector<pid_t> helpers_of(dev_t device) {
  const std::string wanted = helper_name(device);
  std::vector<pid_t> helpers;
  for (const pid_t pid : processes())
    if (name_of_process(pid) == wanted) helpers.push_back(pid);
  return helpers;
}

pid_t parent_of(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  pid_t parent = 0;
  for (std::string word; status >> word;)
    if (word == "PPid:") return status >> parent ? parent : 0;
  return 0;
}

}  // namespace

uint64_t fuse_connection_of(dev_t device) { return uint64_t{major(device)} << 20 | minor(device); }

void name_helper_of_mount(dev_t device) { ::prctl(PR_SET_NAME, helper_name(device).c_str()); }

std::vector<dev_t> mounts_with_helpers() {
  std::vector<dev_t> mounts;
  for (const pid_t pid : processes()) {
    unsigned major_number = 0, minor_number = 0;
    if (std::sscanf(name_of_process(pid).c_str(), "bf:%u:%u", &major_number, &minor_number) == 2)
      mounts.push_back(makedev(major_number, minor_number));
  }
  return mounts;
}

FuseConnection connection_of_process(pid_t pid, uint64_t wanted) {
  FuseConnection found = FuseConnection::none;
  std::error_code error, unreadable;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", pid), error)) {
    const std::string target = fs::read_symlink(entry.path(), unreadable).string();
    if (target != "/dev/fuse" && !target.starts_with("/dev/fuse ")) continue;
    if (found == FuseConnection::none) found = FuseConnection::untold;
    std::ifstream info(fmt::format("/proc/{}/fdinfo/{}", pid, entry.path().filename().string()));
    for (std::string word; info >> word;) {
      uint64_t connection = 0;
      if (word != "fuse_connection:" || !(info >> connection)) continue;
      if (connection == wanted) return FuseConnection::this_one;
      found = FuseConnection::another;
    }
  }
  return error ? FuseConnection::untold : found;
}

namespace {

std::vector<pid_t> processes_with_connection(uint64_t connection) {
  std::vector<pid_t> found;
  for (const pid_t pid : processes())
    if (connection_of_process(pid, connection) == FuseConnection::this_one) found.push_back(pid);
  return found;
}

}  // namespace

// A number is free for the next mount while the daemon of the last one still writes, and what the kernel
// tells of a connection that has ended is the same number: the youngest counts. A helper whose daemon has
// just died has another parent, which serves nothing.
pid_t daemon_of_mount(dev_t device) {
  pid_t likely = 0;
  for (const pid_t helper : youngest_first(helpers_of(device))) {
    const pid_t daemon = parent_of(helper);
    const FuseConnection connection = connection_of_process(daemon, fuse_connection_of(device));
    if (connection == FuseConnection::this_one) return daemon;
    if (connection == FuseConnection::untold && likely == 0) likely = daemon;
  }
  if (likely != 0) return likely;
  const std::vector<pid_t> serving = processes_with_connection(fuse_connection_of(device));
  for (const pid_t pid : youngest_first(serving))
    if (std::ranges::find(serving, parent_of(pid)) == serving.end()) return pid;
  return 0;
}

}  // namespace butterfuse
