// Process: /proc/PID and its status file, in the kernel's own words.
#include "fs/fuse/process.h"

#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "fs/vfs/caller.h"

namespace butterfuse {

namespace {

// What follows `name` in the process's status file; empty when there is nothing.
std::istringstream status_line(pid_t pid, const char* name) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name)) return std::istringstream(line.substr(std::strlen(name)));
  return {};
}

}  // namespace

bool has_capability(pid_t pid, int capability) {
  uint64_t effective = 0;
  status_line(pid, "CapEff:") >> std::hex >> effective;
  return effective >> capability & 1;
}

// Gid: real, effective, saved, of the file system; Groups: the supplementary ones.
bool is_in_group(pid_t pid, gid_t group) {
  gid_t real = 0, effective = 0, saved = 0, filesystem = 0;
  if (status_line(pid, "Gid:") >> real >> effective >> saved >> filesystem && filesystem == group)
    return true;
  auto groups = status_line(pid, "Groups:");
  for (gid_t one = 0; groups >> one;)
    if (one == group) return true;
  return false;
}

uid_t user_of_process(pid_t pid) {
  struct stat process {};
  return stat(("/proc/" + std::to_string(pid)).c_str(), &process) == 0 ? process.st_uid : kUnknownUser;
}

}  // namespace butterfuse
