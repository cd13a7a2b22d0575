// /proc/PID/mountinfo, once for each mount namespace.
#include "core/device/mount_tables.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace butterfuse {
namespace {

// The kernel writes blanks and backslashes in paths as three octal digits.
std::string unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '\\' && i + 3 < text.size() && text.find_first_not_of("01234567", i + 1) >= i + 4;
    plain += escaped ? static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8)) : text[i];
    if (escaped) i += 3;
  }
  return plain;
}

bool has_word(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

// mountinfo: id parent major:minor root MOUNTPOINT options [tags...] - type SOURCE options
std::optional<MountedSource> parse_mount(const std::string& line, dev_t& number) {
  const size_t separator = line.find(" - ");
  if (separator == std::string::npos) return std::nullopt;
  std::istringstream head(line), tail(line.substr(separator + 3));
  std::string word, numbers, mount_point, options;
  MountedSource mount;
  if (!(head >> word >> word >> numbers >> word >> mount_point) || !(tail >> mount.type >> mount.source))
    return std::nullopt;
  tail >> options;
  unsigned major_number = 0, minor_number = 0;
  if (std::sscanf(numbers.c_str(), "%u:%u", &major_number, &minor_number) != 2) return std::nullopt;
  number = makedev(major_number, minor_number);
  mount.source = unescape(mount.source);
  mount.mount_point = unescape(mount_point);
  mount.read_only = has_word(options, "ro");
  return mount;
}

// File systems like btrfs have a device number of their own; then only the name says what they are on, which
// its namespace may understand otherwise than ours.
void find_place(MountedSource& mount, dev_t number, const std::string& root) {
  if (mount.source.starts_with('/')) {
    for (const std::string& path : {root + mount.source, mount.source}) {
      struct stat info;
      if (::stat(path.c_str(), &info) != 0) continue;
      if (S_ISBLK(info.st_mode)) mount.device = info.st_rdev;
      mount.place = place_of(path);
      if (mount.place) return;
    }
  }
  if (major(number) == 0) return;
  mount.device = number;
  mount.place = place_of_disk(number);
}

std::vector<pid_t> processes() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(std::stoi(name));
  }
  return pids;
}

std::string namespace_of(const std::string& process) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/" + process + "/ns/mnt", error).string();
}

}  // namespace

std::string MountedSource::where() const {
  return elsewhere ? fmt::format("{} (in the mount namespace of process {})", mount_point, witness)
                   : mount_point;
}

std::vector<MountedSource> read_mount_tables() {
  std::vector<MountedSource> mounts;
  std::set<std::string> seen;
  const auto read = [&](const std::string& process, pid_t witness) {
    std::ifstream table("/proc/" + process + "/mountinfo");
    const std::string root = witness == 0 ? std::string() : "/proc/" + process + "/root";
    for (std::string line; std::getline(table, line);) {
      dev_t number = 0;
      auto mount = parse_mount(line, number);
      if (!mount) continue;
      mount->elsewhere = witness != 0;
      mount->witness = witness;
      find_place(*mount, number, root);
      if (mount->place) mounts.push_back(std::move(*mount));
    }
  };
  read("self", 0);
  seen.insert(namespace_of("self"));
  for (const pid_t pid : processes()) {
    const std::string process = std::to_string(pid), space = namespace_of(process);
    if (!space.empty() && seen.insert(space).second) read(process, pid);
  }
  return mounts;
}

}  // namespace butterfuse
